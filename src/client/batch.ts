import { DidafsError } from "../std/errors.ts";
import type { RegionAccess } from "../transport/access.ts";
import { abortError, timeoutError } from "../transport/call-limits.ts";
import { Flight } from "../transport/flight.ts";
import { OPCODE } from "../wire/header.ts";
import type { Batch, Bytes, CallOptions, Vector } from "./api.ts";
import { callLimits } from "./call-limits.ts";
import { bytesOf } from "./operands.ts";
import type { Stripes } from "./stripes.ts";

/** What a batch needs of its window. */
export interface BatchWindow {
  readonly stripes: Stripes;
  readonly accesses: readonly (RegionAccess | undefined)[];
  readonly timeoutMs: number;
  readonly checkOpen: () => void;
  readonly checkRead: (at: number, length: number) => void;
  readonly checkWrite: (at: number, length: number) => void;
  /** Bytes of the region are about to be changed. */
  readonly changed: (index: number) => void;
}

/** See Batch in api.ts. */
export class WindowBatch implements Batch {
  readonly #window: BatchWindow;
  #flight = new Flight();
  /** By region: puts to it were added. */
  readonly #changes: Uint8Array;
  #running = false;

  constructor(window: BatchWindow) {
    this.#window = window;
    this.#changes = new Uint8Array(window.accesses.length);
  }

  get count(): number {
    return this.#flight.count;
  }

  get(at: number, into: Bytes): this {
    this.#checkIdle();
    const bytes = bytesOf(into);
    this.#window.checkRead(at, bytes.byteLength);
    this.#add(OPCODE.GET, at, bytes.byteLength, bytes, 0);
    return this;
  }

  put(at: number, from: Bytes): this {
    this.#checkIdle();
    const bytes = bytesOf(from);
    this.#window.checkWrite(at, bytes.byteLength);
    this.#add(OPCODE.PUT, at, bytes.byteLength, bytes, 0);
    return this;
  }

  getVector(vector: Vector, into: Bytes): this {
    this.#addVector(OPCODE.GET, vector, bytesOf(into), this.#window.checkRead);
    return this;
  }

  putVector(vector: Vector, from: Bytes): this {
    this.#addVector(OPCODE.PUT, vector, bytesOf(from), this.#window.checkWrite);
    return this;
  }

  async run(options?: CallOptions): Promise<void> {
    const limits = callLimits(options, this.#window.timeoutMs);
    this.#checkIdle();
    if (limits.signal?.aborted === true) throw abortError(limits.signal, "no");
    const flight = this.#begin();
    const link = flight.links[0];
    if (link !== undefined) {
      this.#running = true;
      try {
        await link.pump.land(flight, limits);
      } catch (error) {
        this.#flight = new Flight();
        throw error;
      } finally {
        this.#running = false;
      }
    }
    this.#end(flight);
  }

  runSync(): void {
    this.#checkIdle();
    const { timeoutMs } = this.#window;
    const flight = this.#begin();
    if (!flight.waitSync(timeoutMs)) {
      this.#flight = new Flight();
      throw timeoutError(timeoutMs, flight.abandon() ? "no" : "unknown");
    }
    this.#end(flight);
  }

  #begin(): Flight {
    this.#window.checkOpen();
    const changes = this.#changes;
    for (let index = 0; index < changes.length; index += 1) {
      if (changes[index] === 1) this.#window.changed(index);
    }
    changes.fill(0);
    this.#flight.begin();
    return this.#flight;
  }

  #end(flight: Flight): void {
    const failure = flight.failure();
    flight.clear();
    if (failure !== undefined) throw failure;
  }

  #add(opcode: number, at: number, length: number, bytes: Uint8Array, start: number): void {
    const { stripes, accesses } = this.#window;
    for (let done = 0; done < length; ) {
      const piece = stripes.runLength(at + done, length - done);
      const index = stripes.indexOf(at + done);
      const offset = stripes.offsetOf(at + done);
      this.#flight.add(accesses[index] as RegionAccess, opcode, offset, piece, bytes, start + done);
      if (opcode === OPCODE.PUT) this.#changes[index] = 1;
      done += piece;
    }
  }

  /** All ranges are checked before the first one is added. */
  #addVector(
    opcode: number,
    vector: Vector,
    bytes: Uint8Array,
    check: (at: number, length: number) => void,
  ): void {
    this.#checkIdle();
    let total = 0;
    for (let i = 0; i < vector.length; i += 2) {
      const length = vector[i + 1] as number;
      if (!(Number.isSafeInteger(length) && length >= 0)) throw noVector(`${length} is no length`);
      check(vector[i] as number, length);
      total += length;
    }
    if (total !== bytes.byteLength) {
      throw noVector(`its ranges have ${total} bytes, and the buffer ${bytes.byteLength}`);
    }
    let start = 0;
    for (let i = 0; i < vector.length; i += 2) {
      const length = vector[i + 1] as number;
      this.#add(opcode, vector[i] as number, length, bytes, start);
      start += length;
    }
  }

  #checkIdle(): void {
    if (!this.#running) return;
    throw new DidafsError("ERR_INVALID_ARGUMENT", "the batch is running; await it, or use another one");
  }
}

function noVector(why: string): DidafsError {
  return new DidafsError("ERR_INVALID_ARGUMENT", `a vector is pairs of at and length; ${why}`);
}
