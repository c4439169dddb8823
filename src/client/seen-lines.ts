import { LINE_BYTES } from "../wire/epoch-message.ts";

/** A line that an epoch has read, and the version that it had. */
export interface SeenLine<B> {
  /** A byte of it that was read, in bytes of the region. */
  readonly at: number;
  readonly version: number;
  readonly through: B;
}

/** The lines of one region that an epoch has read. */
export class SeenLines<B> {
  readonly #lines = new Map<number, SeenLine<B>>();

  get lines(): Iterable<SeenLine<B>> {
    return this.#lines.values();
  }

  /**
   * Bytes from `at` on were read.
   * @param versions of the lines that they touch
   * @returns false where a line has another version than when it was read before: somebody has written it
   */
  saw(at: number, versions: readonly number[], through: B): boolean {
    const first = Math.floor(at / LINE_BYTES);
    return versions.every((version, i) => {
      const line = first + i;
      const known = this.#lines.get(line);
      if (known === undefined) {
        this.#lines.set(line, { at: Math.max(at, line * LINE_BYTES), version, through });
      }
      return known === undefined || known.version === version;
    });
  }
}
