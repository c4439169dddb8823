import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { LmdbEngine } from "../../src/meta/engines/lmdb.ts";
import type { KvEngine } from "../../src/ports/kv.ts";
import { SimKvDrive, SimKvEngine } from "../../src/sim/kv-engine.ts";
import { SimRandom } from "../../src/sim/random.ts";

/** Where one engine after the other keeps the same data. */
export interface EngineHome {
  /** The engine over what is durable; the one before it must have ended. */
  open(): KvEngine;
  /** Ends the engine as the end of its process does: what is not durable when it is called never will be. */
  crash(): Promise<void>;
  /** Closes the engine, if it is open, and removes everything. */
  close(): Promise<void>;
}

/** LMDB commits in one step of the thread, so what lies in its file at any other time is what a crash leaves. */
export class LmdbHome implements EngineHome {
  readonly #dir: string;
  readonly #freeBytes: () => number;
  #engine: KvEngine | undefined;
  #crashes = 0;

  /** @param dir its own, and removed in the end */
  constructor(
    dir: string = mkdtempSync(path.join(tmpdir(), "didafs-lmdb-")),
    freeBytes: () => number = () => 1e9,
  ) {
    this.#dir = dir;
    this.#freeBytes = freeBytes;
  }

  open(): KvEngine {
    this.#engine = new LmdbEngine({ path: this.#file(), freeBytes: this.#freeBytes });
    return this.#engine;
  }

  async crash(): Promise<void> {
    const left = this.#file();
    this.#crashes += 1;
    copyFileSync(left, this.#file());
    await this.#engine?.close();
    rmSync(left);
  }

  async close(): Promise<void> {
    await this.#engine?.close();
    rmSync(this.#dir, { recursive: true });
  }

  #file(): string {
    return path.join(this.#dir, `meta-${this.#crashes}.mdb`);
  }
}

/** Transactions take two turns of the event loop, so that there is time to crash while they are under way. */
export class SimHome implements EngineHome {
  readonly drive = new SimKvDrive();
  readonly #random: SimRandom;
  #engine: SimKvEngine | undefined;

  /** @param seed what a crash does to transactions that are under way */
  constructor(seed = 1) {
    this.#random = new SimRandom(seed);
  }

  open(): KvEngine {
    this.#engine = new SimKvEngine(this.drive, (commit) => setImmediate(() => setImmediate(commit)));
    return this.#engine;
  }

  async crash(): Promise<void> {
    this.#engine?.crash(this.#random);
  }

  async close(): Promise<void> {
    await this.#engine?.close();
  }
}
