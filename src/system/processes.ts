import { readFileSync } from "node:fs";
import type { Processes, ProcessWatch } from "../ports/process.ts";
import { close, syscall } from "./libc.ts";
import { waitReadable } from "./wait-readable.ts";

/** pidfd_open(2), the same number on x86-64 and arm64. */
const SYS_PIDFD_OPEN = 434;

/** Processes as the kernel tells of them: /proc for their start, a pidfd for their end. */
export const systemProcesses: Processes = {
  startOf,
  watch(pid, start) {
    const descriptor = syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0, 0, 0);
    // Asked behind the opening: whoever has that number and that start now has had it then.
    if (startOf(pid) !== start) {
      if (descriptor >= 0) close(descriptor);
      return GONE;
    }
    return descriptor < 0 ? new WatchedByName(pid, start) : new WatchedByDescriptor(descriptor);
  },
};

const GONE: ProcessWatch = { ended: true, close() {} };

/** A pidfd can be read once its process has ended, also one that nobody has waited for. */
class WatchedByDescriptor implements ProcessWatch {
  #descriptor: number;
  #ended = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  get ended(): boolean {
    if (!this.#ended && this.#descriptor >= 0) this.#ended = waitReadable(this.#descriptor, 0);
    return this.#ended;
  }

  close(): void {
    if (this.#descriptor >= 0) close(this.#descriptor);
    this.#descriptor = -1;
  }
}

/** Where no descriptor is left. */
class WatchedByName implements ProcessWatch {
  readonly #pid: number;
  readonly #start: string;

  constructor(pid: number, start: string) {
    this.#pid = pid;
    this.#start = start;
  }

  get ended(): boolean {
    return startOf(this.#pid) !== this.#start;
  }

  close(): void {}
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in parentheses may hold anything; the fields behind it start with the state, which is the third.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
