/*
 * The limit of rows L1 and L2: plain loads from, or stores to, a file mapped into this process; of blocks larger than a
 * word, copies by memcpy.
 *
 *   mapped-blocks get|put FILE BLOCKS BLOCKBYTES BATCH MILLISECONDS
 *
 * FILE holds the blocks. `get` reads them in order, in circles. `put` writes them, from FILE.from, which holds as many.
 * Prints what limit.h says, a sample for each batch. With `get`, FILE.seen gets the blocks as they were read.
 */
#include "limit.h"

/* volatile: each access is made, one at a time, as one instruction. */
static uint32_t load_batch(volatile uint64_t *words, size_t mask, size_t at, size_t count) {
  uint32_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += (uint32_t)words[(at + i) & mask];
  return sum;
}

static void store_batch(volatile uint64_t *words, const uint64_t *from, size_t mask, size_t at, size_t count) {
  for (size_t i = 0; i < count; i++) words[(at + i) & mask] = from[(at + i) & mask];
}

/* The compiler must take every copy for used. */
static void copy(void *into, const void *from, size_t bytes) {
  memcpy(into, from, bytes);
  __asm__ volatile("" : : "r"(into) : "memory");
}

static uint32_t copy_out_batch(char *into, const char *mapped, size_t bytes, size_t mask, size_t at, size_t count) {
  uint32_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    copy(into, mapped + ((at + i) & mask) * bytes, bytes);
    sum += *(uint32_t *)into;
  }
  return sum;
}

static void copy_in_batch(char *mapped, const char *from, size_t bytes, size_t mask, size_t at, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t offset = ((at + i) & mask) * bytes;
    copy(mapped + offset, from + offset, bytes);
  }
}

int main(int count, char **arguments) {
  if (count != 7) return 2;
  int putting = strcmp(arguments[1], "put") == 0;
  const char *file = arguments[2];
  size_t blocks = strtoul(arguments[3], NULL, 10), mask = blocks - 1;
  size_t bytes = strtoul(arguments[4], NULL, 10);
  size_t batch = strtoul(arguments[5], NULL, 10);
  double for_ns = atof(arguments[6]) * 1e6;
  char *mapped = map_file(file, blocks * bytes, putting);
  char *from = allocate(blocks * bytes), *into = allocate(bytes);
  if (putting) transfer_file(file, "from", "r", from, blocks * bytes);
  uint32_t sum = 0;
  size_t taken = 0, operations = 0;
  double start = 0, before = 0;
  for (int measured = 0; measured < 2; measured++) {
    sum = 0;
    taken = operations = 0;
    start = before = now_ns();
    double end = start + (measured ? for_ns : WARM_UP_NS);
    while ((before < end || operations < blocks) && taken < SAMPLES_MAX) {
      if (putting && bytes == 8) store_batch((uint64_t *)mapped, (uint64_t *)from, mask, operations, batch);
      else if (putting) copy_in_batch(mapped, from, bytes, mask, operations, batch);
      else if (bytes == 8) sum += load_batch((uint64_t *)mapped, mask, operations, batch);
      else sum += copy_out_batch(into, mapped, bytes, mask, operations, batch);
      double now = now_ns();
      samples[taken++] = now - before;
      before = now;
      operations += batch;
    }
  }
  if (!putting) {
    for (size_t block = 0; block < blocks; block++) copy(from + block * bytes, mapped + block * bytes, bytes);
    transfer_file(file, "seen", "w", from, blocks * bytes);
  }
  print_result(operations, before - start, operations, sum, taken);
  return 0;
}
