import { isDidafsError } from "../std/errors.ts";
import type { LogFields, Logger } from "../std/logger.ts";

/** Says when the drive becomes full and when it has room again: once each, however many calls meet it. */
export class RoomLog {
  readonly #log: Logger;
  #full = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @returns what `work` gives, which needs room on the drive; `fields` say for what */
  async noting<T>(work: Promise<T>, fields: LogFields): Promise<T> {
    try {
      const result = await work;
      if (this.#full) this.#log.info("the drive has room again", fields);
      this.#full = false;
      return result;
    } catch (error) {
      if (isDidafsError(error, "ERR_NO_SPACE") && !this.#full) {
        this.#full = true;
        this.#log.error("the drive is full", { ...fields, code: error.code, errno: error.errno });
      }
      throw error;
    }
  }
}
