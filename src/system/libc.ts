import "./require-platform.ts";
import koffi, { type LibraryHandle } from "koffi";
import { DidafsError } from "../std/errors.ts";

/**
 * The C library's functions, one constant each, so that every call site sees one function. Pointers are declared
 * `uint64_t` and travel as Numbers: Linux user addresses are below 2^47. Functions that C declares variadic (open,
 * fcntl, syscall) are declared with the arguments that we pass: on x86-64 and arm64 Linux both pass the same way.
 * A result of -1 means that errno (errno.ts) says why, except where a line says otherwise.
 */
const library = loadLibrary();

function loadLibrary(): LibraryHandle {
  try {
    return koffi.load("libc.so.6");
  } catch (cause) {
    throw new DidafsError(
      "ERR_PLATFORM",
      "DiDAFS needs the GNU C library (libc.so.6), which this system has not. Use a glibc distribution (Debian, Ubuntu, Fedora), not Alpine.",
      { cause },
    );
  }
}

type Address = number;
type Descriptor = number;

// Hot: bytes in and out.
type MoveBytes = (fd: Descriptor, bytes: Address, byteLength: number, flags: number) => number;
type MoveMessage = (fd: Descriptor, msghdr: Address, flags: number) => number;
export const recv: MoveBytes = library.func("int64_t recv(int fd, uint64_t buf, uint64_t len, int flags)");
export const send: MoveBytes = library.func("int64_t send(int fd, uint64_t buf, uint64_t len, int flags)");
export const recvmsg: MoveMessage = library.func("int64_t recvmsg(int fd, uint64_t msg, int flags)");
export const sendmsg: MoveMessage = library.func("int64_t sendmsg(int fd, uint64_t msg, int flags)");
export const schedYield: () => number = library.func("int sched_yield()");

// Sockets.
type SocketName = (fd: Descriptor, sockaddr: Address, byteLength: number) => number;
type SocketOption = (
  fd: Descriptor,
  level: number,
  name: number,
  value: Address,
  byteLength: number,
) => number;
export const socket: (domain: number, type: number, protocol: number) => number = library.func(
  "int socket(int domain, int type, int protocol)",
);
export const bind: SocketName = library.func("int bind(int fd, uint64_t addr, uint32_t len)");
export const connect: SocketName = library.func("int connect(int fd, uint64_t addr, uint32_t len)");
export const listen: (fd: Descriptor, backlog: number) => number = library.func(
  "int listen(int fd, int backlog)",
);
export const shutdown: (fd: Descriptor, how: number) => number = library.func(
  "int shutdown(int fd, int how)",
);
export const accept4: (fd: Descriptor, sockaddr: Address, length: Address, flags: number) => number =
  library.func("int accept4(int fd, uint64_t addr, uint64_t len, int flags)");
export const getsockname: (fd: Descriptor, sockaddr: Address, length: Address) => number = library.func(
  "int getsockname(int fd, uint64_t addr, uint64_t len)",
);
export const getsockopt: (
  fd: Descriptor,
  level: number,
  name: number,
  value: Address,
  length: Address,
) => number = library.func("int getsockopt(int fd, int level, int name, uint64_t value, uint64_t len)");
export const setsockopt: SocketOption = library.func(
  "int setsockopt(int fd, int level, int name, uint64_t value, uint32_t len)",
);
/** 1 when `text` is a numeric address of the family, else 0. */
export const inetPton: (family: number, text: string, address: Address) => number = library.func(
  "int inet_pton(int family, const char *text, uint64_t address)",
);

// Waiting.
type EpollControl = (epoll: Descriptor, operation: number, fd: Descriptor, event: Address) => number;
type EpollWait = (epoll: Descriptor, events: Address, count: number, timeoutMs: number) => number;
export const epollCreate1: (flags: number) => number = library.func("int epoll_create1(int flags)");
export const epollCtl: EpollControl = library.func("int epoll_ctl(int ep, int op, int fd, uint64_t event)");
export const epollWait: EpollWait = library.func(
  "int epoll_wait(int ep, uint64_t events, int count, int timeout)",
);
export const poll: (pollfds: Address, count: number, timeoutMs: number) => number = library.func(
  "int poll(uint64_t fds, uint64_t count, int timeout)",
);
export const eventfd: (count: number, flags: number) => number = library.func(
  "int eventfd(uint32_t count, int flags)",
);
export const eventfdWrite: (fd: Descriptor, add: number) => number = library.func(
  "int eventfd_write(int fd, uint64_t add)",
);

// Memory.
export const mmap: (
  address: Address,
  byteLength: number,
  protection: number,
  flags: number,
  fd: Descriptor,
  offset: number,
) => number = library.func(
  "int64_t mmap(uint64_t addr, uint64_t len, int prot, int flags, int fd, int64_t offset)",
);
export const munmap: (address: Address, byteLength: number) => number = library.func(
  "int munmap(uint64_t addr, uint64_t len)",
);
export const madvise: (address: Address, byteLength: number, advice: number) => number = library.func(
  "int madvise(uint64_t addr, uint64_t len, int advice)",
);
export const memcpy: (to: Address, from: Address, byteLength: number) => void = library.func(
  "void memcpy(uint64_t to, uint64_t from, uint64_t len)",
);
const memmove: (to: Uint8Array, from: null, byteLength: 0) => number = library.func(
  "uint64_t memmove(void *to, void *from, uint64_t len)",
);
const errnoLocation: () => number = library.func("uint64_t __errno_location()");

/** Where the first of `bytes` lies, 0 when there are none: a move of no bytes answers with its destination. */
export function addressOf(bytes: Uint8Array): number {
  return memmove(bytes, null, 0);
}

/** `byteLength` (at least 1) bytes from `address`. Reading them after they were unmapped ends the process. */
export function bytesAt(address: number, byteLength: number): ArrayBuffer {
  return koffi.view(address, byteLength);
}

export const strerror: (errno: number) => string = library.func("const char *strerror(int errno)");

/** This thread's errno. Read it right after the call: a load costs 2 ns where asking koffi costs 40. */
export const errnoWord: Int32Array<ArrayBuffer> = new Int32Array(bytesAt(errnoLocation(), 4));

// Files.
export const open: (path: string, flags: number, mode: number) => number = library.func(
  "int open(const char *path, int flags, uint32_t mode)",
);
export const close: (fd: Descriptor) => number = library.func("int close(int fd)");
export const fcntl: (fd: Descriptor, command: number, argument: number) => number = library.func(
  "int fcntl(int fd, int cmd, int arg)",
);
export const flock: (fd: Descriptor, operation: number) => number = library.func("int flock(int fd, int op)");
export const ftruncate: (fd: Descriptor, byteLength: number) => number = library.func(
  "int ftruncate(int fd, int64_t len)",
);
export const fsync: (fd: Descriptor) => number = library.func("int fsync(int fd)");
export const syncFileRange: (fd: Descriptor, offset: number, length: number, flags: number) => number =
  library.func("int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)");
/** @returns 0 or the errno itself */
export const posixFadvise: (fd: Descriptor, offset: number, byteLength: number, advice: number) => number =
  library.func("int posix_fadvise(int fd, int64_t offset, int64_t len, int advice)");
export const fdatasync: (fd: Descriptor) => number = library.func("int fdatasync(int fd)");
/** @returns 0 or the errno itself */
export const posixFallocate: (fd: Descriptor, offset: number, byteLength: number) => number = library.func(
  "int posix_fallocate(int fd, int64_t offset, int64_t len)",
);
export const fallocate: (fd: Descriptor, mode: number, offset: number, byteLength: number) => number =
  library.func("int fallocate(int fd, int mode, int64_t offset, int64_t len)");
export const memfdCreate: (name: string, flags: number) => number = library.func(
  "int memfd_create(const char *name, uint32_t flags)",
);

/** Fills `time`, [4]: u64 seconds, u64 nanoseconds. */
export const clockGettime: (clock: number, time: Uint32Array) => number = library.func(
  "int clock_gettime(int clock, _Out_ uint32_t *time)",
);

/** futex(2) has no function of its own in the C library. @see futex.ts */
export const syscallFutex: (
  number: number,
  word: Address,
  operation: number,
  value: number,
  timespec: Address,
  word2: Address,
  value3: number,
) => number = library.func(
  "int64_t syscall(int64_t number, uint64_t word, int64_t op, int64_t value, uint64_t timespec, uint64_t word2, int64_t value3)",
);

/** Calls that the C library has no function for, or one that does something else where the kernel cannot. */
export const syscall: (
  number: number,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
) => number = library.func(
  "int64_t syscall(int64_t number, uint64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f)",
);
