/*
 * The limit of row E1: a block of a file is overwritten and made durable, one after the other. The file's blocks have
 * been written before, so a sync moves the block and nothing of the file system's own.
 *
 *   synced-blocks FILE BLOCKS BLOCKBYTES MILLISECONDS
 *
 * FILE holds the blocks, which are overwritten from FILE.from, which holds as many, in order, in circles. Prints what
 * limit.h says, a sample for each block.
 */
#include "limit.h"

int main(int count, char **arguments) {
  if (count != 5) return 2;
  const char *file = arguments[1];
  size_t blocks = strtoul(arguments[2], NULL, 10);
  size_t bytes = strtoul(arguments[3], NULL, 10);
  double for_ns = atof(arguments[4]) * 1e6;
  char *from = allocate(blocks * bytes);
  transfer_file(file, "from", "r", from, blocks * bytes);
  int descriptor = open(file, O_RDWR);
  if (descriptor < 0) fail(file);
  /* What the file system still owes for the file itself is none of what is measured. */
  if (fsync(descriptor) != 0) fail("fsync");
  size_t taken = 0;
  double start = 0, before = 0;
  for (int measured = 0; measured < 2; measured++) {
    taken = 0;
    start = before = now_ns();
    double end = start + (measured ? for_ns : WARM_UP_NS);
    while ((before < end || taken < blocks) && taken < SAMPLES_MAX) {
      size_t at = taken % blocks * bytes;
      if (pwrite(descriptor, from + at, bytes, at) != (ssize_t)bytes) fail("pwrite");
      if (fdatasync(descriptor) != 0) fail("fdatasync");
      double now = now_ns();
      samples[taken++] = now - before;
      before = now;
    }
  }
  close(descriptor);
  print_result(taken, before - start, taken, 0, taken);
  return 0;
}
