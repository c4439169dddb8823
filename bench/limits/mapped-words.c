/*
 * The limit of case L1: plain loads from, or stores to, a file mapped into this process.
 *
 *   mapped-words load|store FILE WORDS BATCH MILLISECONDS
 *
 * FILE holds WORDS words of 8 bytes. `load` reads them in order, in circles. `store` writes them, from FILE.words, which
 * holds as many. Prints, a line each: the operations, the sum of the low halves that were read, then for each batch its
 * nanoseconds. With `load`, FILE.seen gets the words as they were read.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX (1 << 19)
#define WARM_UP_NS 20000000

static double samples[SAMPLES_MAX];

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static volatile uint64_t *map_words(const char *file, size_t words, int writable) {
  int descriptor = open(file, writable ? O_RDWR : O_RDONLY);
  if (descriptor < 0) fail(file);
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void *mapped = mmap(NULL, words * 8, protection, MAP_SHARED | MAP_POPULATE, descriptor, 0);
  if (mapped == MAP_FAILED) fail("mmap");
  close(descriptor);
  return mapped;
}

/* volatile: each access is made, one at a time, as one instruction. */
static uint32_t load_batch(volatile uint64_t *words, size_t mask, size_t at, size_t count) {
  uint32_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += (uint32_t)words[(at + i) & mask];
  return sum;
}

static void store_batch(volatile uint64_t *words, const uint64_t *from, size_t mask, size_t at, size_t count) {
  for (size_t i = 0; i < count; i++) words[(at + i) & mask] = from[(at + i) & mask];
}

static void save_seen(const char *file, volatile uint64_t *words, size_t count) {
  char name[4096];
  snprintf(name, sizeof name, "%s.seen", file);
  FILE *seen = fopen(name, "w");
  if (seen == NULL) fail(name);
  for (size_t i = 0; i < count; i++) {
    uint64_t word = words[i];
    if (fwrite(&word, 8, 1, seen) != 1) fail(name);
  }
  if (fclose(seen) != 0) fail(name);
}

int main(int count, char **arguments) {
  if (count != 6) return 2;
  int storing = strcmp(arguments[1], "store") == 0;
  const char *file = arguments[2];
  size_t words = strtoul(arguments[3], NULL, 10);
  size_t batch = strtoul(arguments[4], NULL, 10);
  double for_ns = atof(arguments[5]) * 1e6;
  volatile uint64_t *mapped = map_words(file, words, storing);
  const uint64_t *from = NULL;
  if (storing) {
    char name[4096];
    snprintf(name, sizeof name, "%s.words", file);
    from = (const uint64_t *)map_words(name, words, 0);
  }
  uint32_t sum = 0;
  size_t taken = 0, operations = 0;
  for (int measured = 0; measured < 2; measured++) {
    sum = 0;
    taken = operations = 0;
    double start = now_ns(), before = start;
    double end = start + (measured ? for_ns : WARM_UP_NS);
    while ((before < end || operations < words) && taken < SAMPLES_MAX) {
      if (storing) store_batch(mapped, from, words - 1, operations, batch);
      else sum += load_batch(mapped, words - 1, operations, batch);
      double now = now_ns();
      samples[taken++] = now - before;
      before = now;
      operations += batch;
    }
  }
  if (!storing) save_seen(file, mapped, words);
  printf("%zu\n%u\n", operations, sum);
  for (size_t i = 0; i < taken; i++) printf("%.0f\n", samples[i]);
  return 0;
}
