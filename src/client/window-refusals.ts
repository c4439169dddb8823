import { DidafsError } from "../std/errors.ts";
import { WORDS } from "../structs/words.ts";

/** Why a window refuses what it is asked for, before any target hears of it. */
export class WindowRefusals {
  readonly #path: string;
  readonly #length: number;

  constructor(path: string, length: number) {
    this.#path = path;
    this.#length = length;
  }

  closed(): DidafsError {
    return new DidafsError("ERR_CLOSED", "the window is closed", { path: this.#path });
  }

  outOfRange(at: number, length: number): DidafsError {
    const message = `${length} bytes at ${at} are not inside the window's ${this.#length} bytes`;
    return new DidafsError("ERR_RANGE", message, { path: this.#path });
  }

  /** @param word its number; default: it is a view */
  misaligned(at: number, bytes: number, word?: number): DidafsError {
    const what = word === undefined ? `a view of ${bytes}-byte elements` : `a word of type ${WORDS[word]}`;
    const message = `${what} begins at a multiple of ${bytes} bytes of the file, not at ${at}`;
    return new DidafsError("ERR_ALIGNMENT", message, { path: this.#path });
  }

  readOnly(): DidafsError {
    const message = `the window was opened for reading; open it with rights: "rw" to write`;
    return new DidafsError("ERR_RIGHTS", message, { path: this.#path });
  }

  notContiguous(at: number, length: number): DidafsError {
    const message = `${length} bytes at ${at} lie on several targets; view less at a time, or make the file with targets: 1`;
    return new DidafsError("ERR_NOT_CONTIGUOUS", message, { path: this.#path });
  }

  notDurable(): DidafsError {
    const message = "the file lies on a memory drive, which cannot make bytes stable";
    return new DidafsError("ERR_NOT_DURABLE", message, { path: this.#path });
  }
}
