import { ERRNO, lastErrno, systemError } from "./errno.ts";
import { addressOf, poll } from "./libc.ts";

const POLLIN = 1;

// struct pollfd { int fd; short events; short revents }
const words = new Int32Array(2);
const address = addressOf(new Uint8Array(words.buffer));

/**
 * Blocks this thread until `descriptor` has something to read or has ended, at most `timeoutMs` (rounded up).
 * @returns false when the time passed, or a signal came, with nothing to read
 */
export function waitReadable(descriptor: number, timeoutMs: number): boolean {
  // Closed here; poll(2) would ignore it and wait.
  if (descriptor < 0) return true;
  words[0] = descriptor;
  words[1] = POLLIN;
  const found = poll(address, 1, Math.ceil(timeoutMs));
  if (found < 0 && lastErrno() !== ERRNO.EINTR) throw systemError(`wait for descriptor ${descriptor}`);
  return found > 0;
}
