/*
 * The limit of case R1: two processes that hand 8 bytes to and fro over TCP on the loopback interface. Both poll: no
 * call blocks, and after a bounded spin each gives the processor away between two tries.
 *
 *   ping-pong FILE WORDS MILLISECONDS
 *
 * FILE.words holds WORDS words of 8 bytes, which are sent in order, in circles. Prints, a line each: the round trips,
 * the sum of the low halves that came back, then for each round trip its nanoseconds. FILE.seen gets the words as they
 * came back last.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX (1 << 19)
#define WARM_UP_NS 50000000
#define SPIN_ROUNDS 200

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

/* Moves 8 bytes whole. Returns 0 when the peer has closed. */
static int receive_word(int descriptor, uint64_t *word) {
  size_t have = 0;
  unsigned idle = 0;
  while (have < 8) {
    ssize_t got = recv(descriptor, (char *)word + have, 8 - have, MSG_DONTWAIT);
    if (got == 0) return 0;
    if (got > 0) {
      have += got;
    } else if (errno == EAGAIN) {
      if (++idle > SPIN_ROUNDS) sched_yield();
    } else {
      return 0;
    }
  }
  return 1;
}

static void send_word(int descriptor, uint64_t word) {
  if (send(descriptor, &word, 8, MSG_NOSIGNAL) != 8) fail("send");
}

static void no_delay(int descriptor) {
  int on = 1;
  if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("setsockopt");
}

static void serve(int listener) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int descriptor = accept(listener, NULL, NULL);
  if (descriptor < 0) fail("accept");
  no_delay(descriptor);
  uint64_t word;
  while (receive_word(descriptor, &word)) send_word(descriptor, word);
  exit(0);
}

static int connect_to_child(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  if (listen(listener, 1) != 0) fail("listen");
  if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) fail("getsockname");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) serve(listener);
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  no_delay(descriptor);
  close(listener);
  return descriptor;
}

static void transfer_words(const char *file, const char *suffix, const char *mode, uint64_t *words, size_t count) {
  char name[4096];
  snprintf(name, sizeof name, "%s.%s", file, suffix);
  FILE *stream = fopen(name, mode);
  if (stream == NULL) fail(name);
  size_t moved = mode[0] == 'r' ? fread(words, 8, count, stream) : fwrite(words, 8, count, stream);
  if (moved != count || fclose(stream) != 0) fail(name);
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  const char *file = arguments[1];
  size_t words = strtoul(arguments[2], NULL, 10);
  double for_ns = atof(arguments[3]) * 1e6;
  uint64_t *from = calloc(words, 8), *seen = calloc(words, 8);
  if (from == NULL || seen == NULL) fail("calloc");
  transfer_words(file, "words", "r", from, words);
  int descriptor = connect_to_child();
  alarm(60 + for_ns / 1e9);
  uint32_t sum = 0;
  size_t taken = 0;
  for (int measured = 0; measured < 2; measured++) {
    sum = 0;
    taken = 0;
    double before = now_ns();
    double end = before + (measured ? for_ns : WARM_UP_NS);
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
  transfer_words(file, "seen", "w", seen, words);
  printf("%zu\n%u\n", taken, sum);
  for (size_t i = 0; i < taken; i++) printf("%.0f\n", samples[i]);
  return 0;
}
