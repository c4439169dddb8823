import { createHash } from "node:crypto";

const FLUSH_CHARS = 64 << 10;

/**
 * What happens in a run, line by line: every step that does something, every message, every operation of a drive, every
 * invocation and its result. Two runs are the same if their digests are.
 */
export class Trace {
  readonly #hash = createHash("sha256");
  readonly #print: ((line: string) => void) | undefined;
  #lines: string[] = [];
  #chars = 0;
  #count = 0;

  /** @param print gets every line */
  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  /** Lines so far. */
  get count(): number {
    return this.#count;
  }

  line(nowMs: number, who: string, what: string): void {
    const line = `${nowMs.toFixed(3)} ${who} ${what}`;
    this.#count += 1;
    this.#print?.(line);
    this.#lines.push(line);
    this.#chars += line.length;
    if (this.#chars > FLUSH_CHARS) this.#flush();
  }

  /** @returns hex digits */
  digest(): string {
    this.#flush();
    return this.#hash.copy().digest("hex");
  }

  #flush(): void {
    this.#hash.update(this.#lines.join("\n"));
    this.#lines = [];
    this.#chars = 0;
  }
}
