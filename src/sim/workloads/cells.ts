import type { CallOptions } from "../../client/api.ts";
import { type CellInput, type CellOperation, type CellOutput, stampByte } from "../checkers/flushes.ts";
import type { History, Operation } from "../history.ts";
import type { SimRandom } from "../random.ts";
import { CELL_BYTES, type CellFile } from "./book.ts";
import type { HeldWindow } from "./held-window.ts";

/** Cells that one access covers at most. */
const RUN_CELLS_MAX = 40;

/** What a client does to the cells of a file: one writes runs of them and flushes, all read. */
export class CellWork {
  readonly #file: CellFile;
  readonly #held: HeldWindow;
  readonly #client: string;
  readonly #writes: boolean;
  readonly #limits: CallOptions;
  readonly #random: SimRandom;
  readonly #history: History<CellInput, CellOutput>;

  constructor(
    file: CellFile,
    held: HeldWindow,
    client: { readonly name: string; readonly writes: boolean; readonly timeoutMs: number },
    random: SimRandom,
    history: History<CellInput, CellOutput>,
  ) {
    this.#file = file;
    this.#held = held;
    this.#client = client.name;
    this.#writes = client.writes;
    this.#limits = { timeoutMs: client.timeoutMs };
    this.#random = random;
    this.#history = history;
  }

  /** One access, and now and then a flush behind it. @returns whether it was done */
  async step(): Promise<boolean> {
    const [first, count] = this.#run();
    if (!this.#writes || this.#random.chance(0.3)) return this.#read(first, count);
    const done = await this.#put(first, count);
    const flushes = this.#file.plan.drive === "file" && this.#random.chance(0.4);
    return flushes && done ? this.#flush() : done;
  }

  /** Everything can be read; the writer also writes and flushes. */
  async prove(): Promise<boolean> {
    const [first, count] = this.#run();
    if (this.#writes && !(await this.#put(first, count))) return false;
    if (this.#writes && this.#file.plan.drive === "file" && !(await this.#flush())) return false;
    return this.#read(0, this.#file.cells.length);
  }

  #run(): [first: number, count: number] {
    const first = this.#random.between(0, this.#file.cells.length - 1);
    return [first, this.#random.between(1, Math.min(RUN_CELLS_MAX, this.#file.cells.length - first))];
  }

  #put(first: number, count: number): Promise<boolean> {
    return this.#held.use(async (window, id) => {
      const stamp = this.#file.nextStamp++;
      const bytes = new Uint8Array(count * CELL_BYTES);
      for (let at = 0; at < bytes.length; at += 1) {
        bytes[at] = stampByte(stamp, first + Math.floor(at / CELL_BYTES), at % CELL_BYTES);
      }
      const operations = this.#begin(first, count, { op: "put", stamp, window: id });
      await this.#settled(operations, () => window.put(first * CELL_BYTES, bytes, this.#limits));
      for (const operation of operations) this.#history.end(operation, null);
      return true;
    });
  }

  #read(first: number, count: number): Promise<boolean> {
    return this.#held.use(async (window) => {
      const bytes = new Uint8Array(count * CELL_BYTES);
      const operations = this.#begin(first, count, { op: "read" });
      await window.get(first * CELL_BYTES, bytes, this.#limits);
      for (const [at, operation] of operations.entries()) {
        this.#history.end(operation, [...bytes.subarray(at * CELL_BYTES, (at + 1) * CELL_BYTES)]);
      }
      return true;
    });
  }

  #flush(): Promise<boolean> {
    return this.#held.flush(async (window, id) => {
      const operations = this.#begin(0, this.#file.cells.length, { op: "flush", window: id });
      await window.flush("stable", this.#limits);
      for (const operation of operations) this.#history.end(operation, null);
    });
  }

  async #settled(operations: readonly CellOperation[], call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      const { applied } = error as { readonly applied?: string };
      if (applied === "no") for (const operation of operations) operation.outcome = "not done";
      throw error;
    }
  }

  #begin(first: number, count: number, input: CellInput): Operation<CellInput, CellOutput>[] {
    return this.#file.cells.slice(first, first + count).map((cell) => {
      const operation = this.#history.begin(this.#client, input);
      cell.push(operation);
      return operation;
    });
  }
}
