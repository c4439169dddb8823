import { lastErrno } from "./errno.ts";
import { addressOf, close, memfdCreate, open, syscall } from "./libc.ts";
import { O_CLOEXEC, O_RDWR } from "./open-flags.ts";

/**
 * Whether this kernel, with this process's rights, can do what parts of DiDAFS use: each function tries it and leaves
 * nothing behind. They give 0, or the errno of the failure.
 */

// <asm/unistd.h>: the numbers differ; from 403 on they do not.
const X64 = process.arch === "x64";
const SYS_USERFAULTFD = X64 ? 323 : 282;
const SYS_FALLOCATE = X64 ? 285 : 47;
const SYS_ADJTIMEX = X64 ? 159 : 171;
const SYS_IO_URING_SETUP = 425;
const SYS_PIDFD_OPEN = 434;

// <linux/memfd.h>, <linux/userfaultfd.h>, <linux/io_uring.h>, <linux/timex.h>, <fcntl.h>
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const UFFD_USER_MODE_ONLY = 1;
const IO_URING_PARAMS_BYTES = 120;
const TIMEX_BYTES = 208;
const TIMEX_STATUS_WORD = 10;
const STA_UNSYNC = 0x40;
const O_TMPFILE = 0o20000000 | (X64 ? 0o200000 : 0o40000);

export function tryMemfd(byteLength: number): number {
  return tried(memfdCreate("didafs-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING), (descriptor) =>
    fallocate(descriptor, byteLength),
  );
}

/** @param kernelFaults also those that system calls run into, which the kernel gives to fewer */
export function tryUserfaultfd(kernelFaults: boolean): number {
  const flags = O_CLOEXEC | (kernelFaults ? 0 : UFFD_USER_MODE_ONLY);
  return tried(syscall(SYS_USERFAULTFD, flags, 0, 0, 0, 0, 0));
}

export function tryIoUring(): number {
  const params = new Uint8Array(IO_URING_PARAMS_BYTES);
  return tried(syscall(SYS_IO_URING_SETUP, 1, addressOf(params), 0, 0, 0, 0));
}

export function tryPidfd(): number {
  return tried(syscall(SYS_PIDFD_OPEN, process.pid, 0, 0, 0, 0, 0));
}

/** Reserves bytes of a file without a name in `directory`. EOPNOTSUPP: the file system cannot, or has no such files. */
export function tryReserve(directory: string, byteLength: number): number {
  return tried(open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0o600), (descriptor) =>
    fallocate(descriptor, byteLength),
  );
}

/** Whether something keeps the clock right; undefined where that may not be asked. */
export function isClockSynchronised(): boolean | undefined {
  const timex = new Int32Array(TIMEX_BYTES / 4);
  if (syscall(SYS_ADJTIMEX, addressOf(new Uint8Array(timex.buffer)), 0, 0, 0, 0, 0) < 0) return undefined;
  return ((timex[TIMEX_STATUS_WORD] as number) & STA_UNSYNC) === 0;
}

/** The kernel's own: the C library's writes zeros where the file system cannot reserve. */
function fallocate(descriptor: number, byteLength: number): number {
  return syscall(SYS_FALLOCATE, descriptor, 0, 0, byteLength, 0, 0) === 0 ? 0 : lastErrno();
}

function tried(descriptor: number, use: (descriptor: number) => number = () => 0): number {
  if (descriptor < 0) return lastErrno();
  const errno = use(descriptor);
  close(descriptor);
  return errno;
}
