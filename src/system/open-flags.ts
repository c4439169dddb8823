/**
 * Flags of open(2) that are the same on x86-64 and arm64. O_DIRECTORY, O_NOFOLLOW and O_DIRECT are not: those come from
 * Node's `fs.constants`, which knows this machine's. Source: <asm-generic/fcntl.h>, <asm/fcntl.h>.
 */
export const O_RDONLY = 0;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_CLOEXEC = 0o2000000;
