import { isDidafsError } from "../std/errors.ts";
import type { CallOptions, DidafsFile, DidafsWindow, Durability, WindowOptions } from "./api.ts";

/** A file grows by as much as it has, within these bounds. */
const STEP_BYTES_MIN = 8 * 2 ** 20;
const STEP_BYTES_MAX = 256 * 2 ** 20;

export interface GrowingOptions {
  readonly sharing: WindowOptions["sharing"];
  readonly durability: Durability;
  readonly call: CallOptions;
}

/**
 * A window for writing over all of a file that may become longer meanwhile. A window keeps its range, so another one on
 * what the file has then takes its place; what went through the former one is flushed while the writing goes on.
 */
export class GrowingWindow {
  readonly #file: DidafsFile;
  readonly #options: GrowingOptions;
  /** What the file has when nothing is written behind its end. */
  readonly #sizeBefore: number;
  #window: DidafsWindow | undefined;
  #reaching: Promise<DidafsWindow> | undefined;
  /** The file has grown, or may have. */
  #grown = false;
  readonly #retiring: Promise<void>[] = [];

  constructor(file: DidafsFile, options: GrowingOptions) {
    this.#file = file;
    this.#options = options;
    this.#sizeBefore = file.size;
  }

  /**
   * A window that reaches to `end` at least; the file grows where it is shorter.
   * @param last nothing comes behind it, so that no more room is needed
   */
  async reach(end: number, last: boolean): Promise<DidafsWindow> {
    if (this.#window !== undefined && end <= this.#window.length) return this.#window;
    this.#reaching = this.#open(end, last);
    return this.#reaching;
  }

  async #open(end: number, last: boolean): Promise<DidafsWindow> {
    this.#retire();
    if (end > this.#file.size) await this.#grow(end, last);
    const { sharing, call } = this.#options;
    this.#window = await this.#file.window({ ...call, rights: "rw", sharing });
    return this.#window;
  }

  /** Flushes, lets go of the windows, and cuts the file behind what it had and what was written, up to `end`. */
  async finish(end: number): Promise<void> {
    this.#retire();
    await Promise.all(this.#retiring);
    const size = Math.max(end, this.#sizeBefore);
    if (this.#grown && this.#file.size > size) await this.#file.resize(size, this.#options.call);
  }

  /** Lets go of the windows, and cuts the file to what it had, if the cluster lets it. */
  async giveUp(): Promise<void> {
    await this.#reaching?.catch(() => {});
    await Promise.allSettled([...this.#retiring, this.#window?.close()]);
    const { timeoutMs } = this.#options.call;
    if (this.#grown) await this.#file.resize(this.#sizeBefore, { timeoutMs }).catch(() => {});
  }

  async #grow(end: number, last: boolean): Promise<void> {
    const { size } = this.#file;
    const step = Math.min(Math.max(size, STEP_BYTES_MIN), STEP_BYTES_MAX);
    const wanted = last ? end : Math.max(end, size + step);
    const { call } = this.#options;
    this.#grown = true;
    try {
      await this.#file.resize(wanted, call);
    } catch (error) {
      // There may be room for what is needed, if not for more.
      if (!isDidafsError(error, "ERR_NO_SPACE") || wanted === end) throw error;
      await this.#file.resize(end, call);
    }
  }

  #retire(): void {
    const window = this.#window;
    if (window === undefined) return;
    this.#window = undefined;
    const { durability, call } = this.#options;
    const retired = window.flush(durability, call).finally(() => window.close());
    // `finish` tells.
    retired.catch(() => {});
    this.#retiring.push(retired);
  }
}
