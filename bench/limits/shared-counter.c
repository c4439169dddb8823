/*
 * The limit of row L3: `lock xadd` on a word of a mapped file, by one process or by two at the same time.
 *
 *   shared-counter FILE WORDBYTES PROCESSES BATCH MILLISECONDS
 *
 * FILE begins with the word. Prints what limit.h says, a sample for each batch of this process. Timed are the operations
 * of all processes while this one took samples; all operations are those of the warm-up, too. What is read is the low
 * half of the value before.
 */
#include "limit.h"

struct shared {
  volatile uint64_t adds;
  volatile uint32_t sum;
  volatile int is_running, is_over;
};

static uint32_t add_batch(void *word, size_t word_bytes, size_t count) {
  uint32_t sum = 0;
  if (word_bytes == 8) {
    for (size_t i = 0; i < count; i++) sum += (uint32_t)__atomic_fetch_add((uint64_t *)word, 1, __ATOMIC_SEQ_CST);
  } else {
    for (size_t i = 0; i < count; i++) sum += __atomic_fetch_add((uint32_t *)word, 1, __ATOMIC_SEQ_CST);
  }
  return sum;
}

/* The other process: until it is told that it is over. */
static void contend(struct shared *shared, void *word, size_t word_bytes, size_t batch) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  shared->is_running = 1;
  while (!shared->is_over) {
    shared->sum += add_batch(word, word_bytes, batch);
    shared->adds += batch;
  }
  exit(0);
}

int main(int count, char **arguments) {
  if (count != 6) return 2;
  size_t word_bytes = strtoul(arguments[2], NULL, 10);
  int contended = strcmp(arguments[3], "2") == 0;
  size_t batch = strtoul(arguments[4], NULL, 10);
  double for_ns = atof(arguments[5]) * 1e6;
  void *word = map_file(arguments[1], 4096, 1);
  struct shared *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail("mmap");
  if (contended) {
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) contend(shared, word, word_bytes, batch);
    while (!shared->is_running) sched_yield();
  }
  uint32_t sum = 0;
  size_t adds = 0, taken = 0;
  double start = 0, before = 0;
  uint64_t others = 0;
  for (int measured = 0; measured < 2; measured++) {
    taken = 0;
    others = shared->adds;
    start = before = now_ns();
    double end = start + (measured ? for_ns : WARM_UP_NS);
    while (before < end && taken < SAMPLES_MAX) {
      sum += add_batch(word, word_bytes, batch);
      adds += batch;
      double now = now_ns();
      samples[taken++] = now - before;
      before = now;
    }
  }
  uint64_t timed = taken * batch + shared->adds - others;
  shared->is_over = 1;
  if (contended) wait(NULL);
  print_result(timed, before - start, adds + shared->adds, sum + shared->sum, taken);
  return 0;
}
