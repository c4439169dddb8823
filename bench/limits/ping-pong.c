/*
 * The limit of row R1: two processes that hand 8 bytes to and fro over TCP on the loopback interface. Both poll.
 *
 *   ping-pong FILE WORDS MILLISECONDS
 *
 * FILE.from holds WORDS words of 8 bytes, which are sent in order, in circles. Prints what limit.h says, a sample for
 * each round trip. FILE.seen gets the words as they came back last.
 */
#include "limit.h"

/* No iovec on this way: a limit makes the cheapest call. */
static int receive_word(int descriptor, uint64_t *word) {
  size_t have = 0;
  unsigned rounds = 0;
  while (have < 8) {
    ssize_t got = recv(descriptor, (char *)word + have, 8 - have, MSG_DONTWAIT);
    if (got > 0) have += got;
    else if (got < 0 && errno == EAGAIN) idle(&rounds);
    else return 0;
  }
  return 1;
}

static void send_word(int descriptor, uint64_t word) {
  if (send(descriptor, &word, 8, MSG_NOSIGNAL) != 8) fail("send");
}

static void serve(int descriptor) {
  uint64_t word;
  while (receive_word(descriptor, &word)) send_word(descriptor, word);
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  const char *file = arguments[1];
  size_t words = strtoul(arguments[2], NULL, 10);
  double for_ns = atof(arguments[3]) * 1e6;
  uint64_t *from = allocate(words * 8), *seen = allocate(words * 8);
  transfer_file(file, "from", "r", from, words * 8);
  int descriptor = connect_to_child(serve);
  alarm(60 + for_ns / 1e9);
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
      send_word(descriptor, from[at]);
      if (!receive_word(descriptor, &seen[at])) fail("recv");
      sum += (uint32_t)seen[at];
      double now = now_ns();
      samples[taken++] = now - before;
      before = now;
    }
  }
  close(descriptor);
  wait(NULL);
  transfer_file(file, "seen", "w", seen, words * 8);
  print_result(taken, before - start, taken, sum, taken);
  return 0;
}
