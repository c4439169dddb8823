/*
 * The limit of row N1: two processes that hand blocks over to each other, one at a time. Both poll.
 *
 *   hand-over memory|tcp FILE BLOCKS BLOCKBYTES MILLISECONDS
 *
 * "memory": whoever hands over copies the block into memory that both have mapped, then counts up a word for which the
 * other one waits. "tcp": it sends the block on the loopback interface, and the other one receives it. FILE.from holds
 * BLOCKS blocks, which are handed over in order, in circles; the other process hands over the same ones, which come
 * to be in FILE. What that process was handed over is compared by itself. Prints what limit.h says, two operations and a
 * sample for each way there and back: half of what it took.
 */
#include "limit.h"

/* Each on a line of its own: one process writes it, the other one waits for it. */
struct counts {
  _Alignas(64) uint64_t asked;
  _Alignas(64) uint64_t answered;
};

static uint8_t *from, *there, *back;
static size_t blocks, block_bytes;
static struct counts *counts;

static void await_count(uint64_t *count, uint64_t wanted) {
  unsigned rounds = 0;
  while (__atomic_load_n(count, __ATOMIC_ACQUIRE) != wanted) idle(&rounds);
}

/* The other process, until it is killed with this one, or its connection ends. */
static void answer_in_memory(void) {
  for (uint64_t taken = 0;; taken++) {
    size_t at = taken % blocks * block_bytes;
    await_count(&counts->asked, taken + 1);
    memcpy(back + at, from + at, block_bytes);
    __atomic_store_n(&counts->answered, taken + 1, __ATOMIC_RELEASE);
  }
}

static void answer_over_tcp(int descriptor) {
  for (uint64_t taken = 0;; taken++) {
    size_t at = taken % blocks * block_bytes;
    if (!receive_all(descriptor, there + at, block_bytes)) return;
    struct iovec part = {from + at, block_bytes};
    if (!send_all(descriptor, &part, 1)) return;
  }
}

static void start_in_memory(void) {
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    answer_in_memory();
  }
}

static void hand_over_in_memory(uint64_t taken, size_t at) {
  memcpy(there + at, from + at, block_bytes);
  __atomic_store_n(&counts->asked, taken + 1, __ATOMIC_RELEASE);
  await_count(&counts->answered, taken + 1);
}

static void hand_over_by_tcp(int descriptor, size_t at) {
  struct iovec part = {from + at, block_bytes};
  if (!send_all(descriptor, &part, 1) || !receive_all(descriptor, back + at, block_bytes)) fail("tcp");
}

static void *map_shared(size_t bytes) {
  void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (mapped == MAP_FAILED) fail("mmap");
  return mapped;
}

int main(int count, char **arguments) {
  if (count != 6) return 2;
  int in_memory = strcmp(arguments[1], "memory") == 0;
  const char *file = arguments[2];
  blocks = strtoul(arguments[3], NULL, 10);
  block_bytes = strtoul(arguments[4], NULL, 10);
  double for_ns = atof(arguments[5]) * 1e6;
  size_t bytes = blocks * block_bytes;
  from = allocate(bytes);
  transfer_file(file, "from", "r", from, bytes);
  there = map_shared(bytes);
  counts = map_shared(sizeof *counts);
  back = map_file(file, bytes, 1);
  int descriptor = -1;
  if (in_memory) start_in_memory();
  else descriptor = connect_to_child(answer_over_tcp);
  alarm(60 + for_ns / 1e9);
  uint64_t all = 0;
  size_t taken = 0;
  double start = 0, before = 0;
  for (int measured = 0; measured < 2; measured++) {
    taken = 0;
    start = before = now_ns();
    double end = start + (measured ? for_ns : WARM_UP_NS);
    while ((before < end || taken < blocks) && taken < SAMPLES_MAX) {
      size_t at = all % blocks * block_bytes;
      if (in_memory) hand_over_in_memory(all, at);
      else hand_over_by_tcp(descriptor, at);
      all++;
      double now = now_ns();
      samples[taken++] = (now - before) / 2;
      before = now;
    }
  }
  if (memcmp(there, from, bytes) != 0) {
    fprintf(stderr, "the other process was handed over something else\n");
    return 1;
  }
  print_result(2 * taken, before - start, 2 * all, 0, taken);
  return 0;
}
