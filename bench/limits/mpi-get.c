/*
 * A peer of row R1, for mpicc: MPI_Get of 8 bytes and MPI_Win_flush, one at a time, between two processes of which the
 * passive one does nothing but let its library make progress.
 *
 *   mpirun -n 2 mpi-get FILE WORDS MILLISECONDS
 *
 * FILE.from holds WORDS words of 8 bytes, the window's contents, which are read in order, in circles. Prints what limit.h
 * says, a sample for each get. FILE.seen gets the words as they were read last.
 */
#include "limit.h"
#include <mpi.h>

#define DONE 1

static void origin(MPI_Win window, const char *file, size_t words, double for_ns) {
  uint64_t *seen = allocate(words * 8);
  uint32_t sum = 0;
  size_t taken = 0;
  double start = 0, before = 0;
  for (int measured = 0; measured < 2; measured++) {
    sum = 0;
    taken = 0;
    start = before = now_ns();
    double end = start + (measured ? for_ns : WARM_UP_NS);
    while ((before < end || taken < words) && taken < SAMPLES_MAX) {
      size_t at = taken & (words - 1);
      MPI_Get(&seen[at], 8, MPI_BYTE, 1, at * 8, 8, MPI_BYTE, window);
      MPI_Win_flush(1, window);
      sum += (uint32_t)seen[at];
      double now = now_ns();
      samples[taken++] = now - before;
      before = now;
    }
  }
  transfer_file(file, "seen", "w", seen, words * 8);
  print_result(taken, before - start, taken, sum, taken);
  MPI_Send(NULL, 0, MPI_BYTE, 1, DONE, MPI_COMM_WORLD);
}

static void target(void) {
  for (int done = 0; !done;) MPI_Iprobe(0, DONE, MPI_COMM_WORLD, &done, MPI_STATUS_IGNORE);
  MPI_Recv(NULL, 0, MPI_BYTE, 0, DONE, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  const char *file = arguments[1];
  size_t words = strtoul(arguments[2], NULL, 10);
  double for_ns = atof(arguments[3]) * 1e6;
  alarm(60 + for_ns / 1e9);
  MPI_Init(NULL, NULL);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  uint64_t *from = allocate(words * 8);
  if (rank == 1) transfer_file(file, "from", "r", from, words * 8);
  MPI_Win window;
  MPI_Win_create(from, rank == 1 ? words * 8 : 0, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &window);
  MPI_Win_lock_all(0, window);
  if (rank == 0) origin(window, file, words, for_ns);
  else target();
  MPI_Win_unlock_all(window);
  MPI_Win_free(&window);
  MPI_Finalize();
  return 0;
}
