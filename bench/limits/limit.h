/* What the programs of this folder share: clock, samples, files, and the polled TCP connection of two processes. */
#ifndef LIMIT_H
#define LIMIT_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
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

/*
 * One line: the operations that were timed, the nanoseconds that they took, all operations, and the sum of the first
 * halves that all of them read. Then each sample on a line of its own.
 */
static void print_result(size_t timed, double took_ns, size_t all, uint32_t sum, size_t taken) {
  printf("%zu %.0f %zu %u\n", timed, took_ns, all, sum);
  for (size_t i = 0; i < taken; i++) printf("%.0f\n", samples[i]);
}

static inline void *map_file(const char *file, size_t bytes, int writable) {
  int descriptor = open(file, writable ? O_RDWR : O_RDONLY);
  if (descriptor < 0) fail(file);
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void *mapped = mmap(NULL, bytes, protection, MAP_SHARED | MAP_POPULATE, descriptor, 0);
  if (mapped == MAP_FAILED) fail("mmap");
  close(descriptor);
  return mapped;
}

static inline void transfer_file(const char *file, const char *suffix, const char *mode, void *bytes, size_t count) {
  char name[4096];
  snprintf(name, sizeof name, "%s.%s", file, suffix);
  FILE *stream = fopen(name, mode);
  if (stream == NULL) fail(name);
  size_t moved = mode[0] == 'r' ? fread(bytes, 1, count, stream) : fwrite(bytes, 1, count, stream);
  if (moved != count || fclose(stream) != 0) fail(name);
}

static inline void *allocate(size_t bytes) {
  void *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (memory == NULL) fail("aligned_alloc");
  memset(memory, 0, bytes);
  return memory;
}

/* After a bounded spin each side gives the processor away between two tries. */
static inline void idle(unsigned *rounds) {
  if (++*rounds > SPIN_ROUNDS) sched_yield();
}

/* Moves what a socket takes or has. Returns the bytes, 0 for none so far, -1 when the peer has gone. */
static inline ssize_t try_receive(int descriptor, struct iovec *parts, size_t count) {
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  ssize_t got = recvmsg(descriptor, &message, MSG_DONTWAIT);
  if (got > 0) return got;
  return got < 0 && errno == EAGAIN ? 0 : -1;
}

static inline ssize_t try_send(int descriptor, struct iovec *parts, size_t count) {
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  ssize_t sent = sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN ? 0 : -1;
}

/* Takes `moved` bytes off the front of the parts; returns how many parts are done. */
static inline size_t advance(struct iovec *parts, size_t count, size_t moved) {
  size_t done = 0;
  while (done < count && moved >= parts[done].iov_len) moved -= parts[done++].iov_len;
  if (done < count) {
    parts[done].iov_base = (char *)parts[done].iov_base + moved;
    parts[done].iov_len -= moved;
  }
  return done;
}

/* Both poll until all is moved. Return 0 when the peer has gone. */
static inline int receive_all(int descriptor, void *bytes, size_t count) {
  struct iovec part = {bytes, count};
  unsigned rounds = 0;
  while (part.iov_len > 0) {
    ssize_t got = try_receive(descriptor, &part, 1);
    if (got < 0) return 0;
    if (got == 0) idle(&rounds);
    else if (advance(&part, 1, got) == 1) break;
  }
  return 1;
}

static inline int send_all(int descriptor, struct iovec *parts, size_t count) {
  unsigned rounds = 0;
  while (count > 0) {
    ssize_t sent = try_send(descriptor, parts, count);
    if (sent < 0) return 0;
    if (sent == 0) idle(&rounds);
    size_t done = advance(parts, count, sent);
    parts += done;
    count -= done;
  }
  return 1;
}

static inline void no_delay(int descriptor) {
  int on = 1;
  if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("setsockopt");
}

/* Forks a child that serves one connection, and ends with this process. Returns the other end of the connection. */
static inline int connect_to_child(void (*serve)(int descriptor)) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  if (listen(listener, 1) != 0) fail("listen");
  if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) fail("getsockname");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int accepted = accept(listener, NULL, NULL);
    if (accepted < 0) fail("accept");
    no_delay(accepted);
    serve(accepted);
    exit(0);
  }
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  no_delay(descriptor);
  close(listener);
  return descriptor;
}

#endif
