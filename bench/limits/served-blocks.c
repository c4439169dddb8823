/*
 * The limit of rows R2 and R3: a server that holds a mapped file and a client, two processes that poll, over TCP on the
 * loopback interface. A command is 64 bytes, an answer begins with 64 bytes, as those of DiDAFS; a block's bytes lie
 * behind one of them. Bytes move between socket and memory without a copy in user space. Nothing is checked.
 *
 *   served-blocks get|put FILE BLOCKS BLOCKBYTES DEPTH MILLISECONDS
 *
 * FILE holds the blocks. `get` reads them in order, in circles, with DEPTH commands on the way; an answer that is there
 * starts the next one. `put` writes them, from FILE.from. Prints what limit.h says, a sample for each operation, from
 * its start to its answer. With `get`, FILE.seen gets the blocks as they were read.
 */
#include "limit.h"

#define HEADER_BYTES 64
/* The kernel takes no more parts in a call. */
#define DEPTH_MAX 512

struct header {
  uint64_t block, is_put, rest[6];
};

static int putting;
static size_t blocks, block_bytes, depth;
static char *served;

static void serve_puts(int descriptor) {
  struct header header;
  while (receive_all(descriptor, &header, HEADER_BYTES)) {
    if (!receive_all(descriptor, served + header.block * block_bytes, block_bytes)) return;
    struct iovec part = {&header, HEADER_BYTES};
    if (!send_all(descriptor, &part, 1)) return;
  }
}

/* Takes whatever commands are there and answers them in one call. */
static void serve_gets(int descriptor) {
  static struct header commands[DEPTH_MAX];
  static struct iovec parts[DEPTH_MAX * 2];
  size_t have = 0;
  unsigned rounds = 0;
  for (;;) {
    struct iovec room = {(char *)commands + have, sizeof commands - have};
    ssize_t got = try_receive(descriptor, &room, 1);
    if (got < 0) return;
    if (got == 0) {
      idle(&rounds);
      continue;
    }
    rounds = 0;
    have += got;
    size_t whole = have / HEADER_BYTES;
    for (size_t i = 0; i < whole; i++) {
      parts[i * 2] = (struct iovec){&commands[i], HEADER_BYTES};
      parts[i * 2 + 1] = (struct iovec){served + commands[i].block * block_bytes, block_bytes};
    }
    if (!send_all(descriptor, parts, whole * 2)) return;
    have -= whole * HEADER_BYTES;
    memmove(commands, &commands[whole], have);
  }
}

static void serve(int descriptor) {
  if (putting) serve_puts(descriptor);
  else serve_gets(descriptor);
}

/* One at a time. */
static void put_block(int descriptor, size_t block, char *from) {
  struct header header = {.block = block, .is_put = 1};
  struct iovec parts[2] = {{&header, HEADER_BYTES}, {from + block * block_bytes, block_bytes}};
  if (!send_all(descriptor, parts, 2)) fail("send");
  if (!receive_all(descriptor, &header, HEADER_BYTES)) fail("recv");
}

/* What is on the way, in order; slot i is that of operation i modulo the depth. */
static struct header headers[DEPTH_MAX], commands[DEPTH_MAX];
static double started[DEPTH_MAX];

static void send_commands(int descriptor, size_t from, size_t to, double now) {
  if (from == to) return;
  for (size_t i = from; i < to; i++) {
    commands[i - from] = (struct header){.block = i & (blocks - 1)};
    started[i % depth] = now;
  }
  struct iovec part = {commands, (to - from) * HEADER_BYTES};
  if (!send_all(descriptor, &part, 1)) fail("send");
}

/* Until no more are to start and all have ended. Returns the operations; `seen` holds all blocks, or one for each slot. */
static size_t get_blocks(int descriptor, char *seen, size_t slots, double end, size_t least, uint32_t *sum, double *last) {
  static struct iovec parts[DEPTH_MAX * 2];
  size_t begun = 0, ended = 0, received = 0, answer_bytes = HEADER_BYTES + block_bytes;
  unsigned rounds = 0;
  double now = now_ns();
  for (;;) {
    size_t free = ended + depth - begun, left = SAMPLES_MAX - begun;
    size_t more = now < end ? SAMPLES_MAX : begun < least ? least - begun : 0;
    more = more < free ? more : free;
    more = more < left ? more : left;
    send_commands(descriptor, begun, begun + more, now);
    begun += more;
    if (begun == ended) break;
    size_t count = 0;
    for (size_t i = ended; i < begun; i++) {
      parts[count++] = (struct iovec){&headers[i % depth], HEADER_BYTES};
      parts[count++] = (struct iovec){seen + i % slots * block_bytes, block_bytes};
    }
    size_t done = advance(parts, count, received);
    ssize_t got = try_receive(descriptor, parts + done, count - done);
    if (got < 0) fail("recv");
    if (got == 0) {
      idle(&rounds);
      now = now_ns();
      continue;
    }
    rounds = 0;
    now = now_ns();
    for (received += got; received >= answer_bytes; received -= answer_bytes) {
      *sum += *(uint32_t *)(seen + ended % slots * block_bytes);
      samples[ended] = now - started[ended % depth];
      ended++;
    }
  }
  *last = now;
  return ended;
}

static size_t put_blocks(int descriptor, char *from, double end, size_t least, double *last) {
  size_t taken = 0;
  double before = now_ns();
  while ((before < end || taken < least) && taken < SAMPLES_MAX) {
    put_block(descriptor, taken & (blocks - 1), from);
    double now = now_ns();
    samples[taken++] = now - before;
    before = now;
  }
  *last = before;
  return taken;
}

int main(int count, char **arguments) {
  if (count != 7) return 2;
  putting = strcmp(arguments[1], "put") == 0;
  const char *file = arguments[2];
  blocks = strtoul(arguments[3], NULL, 10);
  block_bytes = strtoul(arguments[4], NULL, 10);
  depth = strtoul(arguments[5], NULL, 10);
  if (depth > DEPTH_MAX) return 2;
  double for_ns = atof(arguments[6]) * 1e6;
  served = map_file(file, blocks * block_bytes, putting);
  char *mine = allocate(blocks * block_bytes);
  if (putting) transfer_file(file, "from", "r", mine, blocks * block_bytes);
  int descriptor = connect_to_child(serve);
  alarm(60 + for_ns / 1e9);
  uint32_t sum = 0;
  size_t taken = 0;
  double start = 0, last = 0;
  for (int measured = 0; measured < 2; measured++) {
    sum = 0;
    start = now_ns();
    double end = start + (measured ? for_ns : WARM_UP_NS);
    if (putting) taken = put_blocks(descriptor, mine, end, blocks, &last);
    else taken = get_blocks(descriptor, mine, depth, end, blocks, &sum, &last);
  }
  double took = last - start;
  if (!putting) {
    /* Not measured: the samples stay as they are. */
    double *kept = allocate(taken * sizeof *kept);
    memcpy(kept, samples, taken * sizeof *kept);
    uint32_t unused = 0;
    get_blocks(descriptor, mine, blocks, 0, blocks, &unused, &last);
    memcpy(samples, kept, taken * sizeof *kept);
    transfer_file(file, "seen", "w", mine, blocks * block_bytes);
  }
  close(descriptor);
  wait(NULL);
  print_result(taken, took, taken, sum, taken);
  return 0;
}
