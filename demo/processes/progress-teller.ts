import type { Parent } from "./process.ts";

const EVERY_MS = 100;

/** How far a process has come. */
export interface ProgressNews {
  readonly files: number;
  readonly bytes: number;
}

/** Tells the parent now and then how far this process has come. */
export class ProgressTeller {
  readonly #parent: Parent;
  #toldMs = performance.now();
  #files = 0;
  #bytes = 0;

  constructor(parent: Parent) {
    this.#parent = parent;
  }

  add(bytes: number): void {
    this.#files += 1;
    this.#bytes += bytes;
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < EVERY_MS) return;
    this.#toldMs = nowMs;
    this.#parent.tell({ files: this.#files, bytes: this.#bytes } satisfies ProgressNews);
  }
}
