import type { Processes } from "../ports/process.ts";

/** Processes that live until a test ends them. */
export class SimProcesses implements Processes {
  readonly #ended = new Set<number>();
  #lastPid = 1;

  /** @returns the number of a new one */
  begin(): number {
    this.#lastPid += 1;
    return this.#lastPid;
  }

  end(pid: number): void {
    this.#ended.add(pid);
  }

  startOf(pid: number): string | undefined {
    return this.#ended.has(pid) ? undefined : "0";
  }

  watch(pid: number): { readonly ended: boolean; close(): void } {
    const ended = this.#ended;
    return {
      get ended() {
        return ended.has(pid);
      },
      close() {},
    };
  }
}
