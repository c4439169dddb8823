import { decodeInode, encodeInode } from "../../src/meta/inode-record.ts";
import { inodeKey, orphanKey, removalKey } from "../../src/meta/keys.ts";
import type { Key, KvEngine, KvReader, KvTransaction, Value } from "../../src/ports/kv.ts";
import { SimKvEngine } from "../../src/sim/kv-engine.ts";
import { type EngineHome, SimHome } from "./engine-homes.ts";

/** Bugs to be found: engines that do something else than they are told. */

const INODE = inodeKey(0)[0];
const ORPHAN = orphanKey(0)[0];
const REMOVAL = removalKey("", 0, 0)[0];

type Spoil = (transaction: KvTransaction) => Partial<KvTransaction>;

class SpoiledEngine implements KvEngine {
  readonly #engine: KvEngine;
  readonly #spoil: Spoil;

  constructor(engine: KvEngine, spoil: Spoil) {
    this.#engine = engine;
    this.#spoil = spoil;
  }

  read<T>(body: (reader: KvReader) => T): T {
    return this.#engine.read(body);
  }

  transact<T>(body: (transaction: KvTransaction) => T): Promise<T> {
    return this.#engine.transact((kv) =>
      body({
        get: (key) => kv.get(key),
        scan: (start, end, limit) => kv.scan(start, end, limit),
        set: (key, value) => kv.set(key, value),
        delete: (key) => kv.delete(key),
        ...this.#spoil(kv),
      }),
    );
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}

class SpoiledHome extends SimHome {
  readonly #spoil: Spoil;

  constructor(seed: number, spoil: Spoil) {
    super(seed);
    this.#spoil = spoil;
  }

  override open(): KvEngine {
    return new SpoiledEngine(super.open(), this.#spoil);
  }
}

/** The count of a file's names never changes. */
export function countsNoNames(seed: number): EngineHome {
  return new SpoiledHome(seed, (kv) => ({
    set: (key, value) => {
      const old = key[0] === INODE ? kv.get(key) : undefined;
      const nlink = old && decodeInode(old).nlink;
      kv.set(key, nlink === undefined ? value : encodeInode({ ...decodeInode(value), nlink }));
    },
  }));
}

/** Nobody writes down that a file lost its last name while it was open. */
export function forgetsOrphans(seed: number): EngineHome {
  return new SpoiledHome(seed, (kv) => ({
    set: (key, value) => {
      if (key[0] !== ORPHAN) kv.set(key, value);
    },
  }));
}

/** Nobody writes down what targets have still to remove. */
export function forgetsRegions(seed: number): EngineHome {
  return new SpoiledHome(seed, (kv) => ({
    set: (key, value) => {
      if (key[0] !== REMOVAL) kv.set(key, value);
    },
  }));
}

/** A crash takes the last transaction with it that was answered. */
class ForgetfulHome extends SimHome {
  #before: [Key, Value | undefined][] = [];

  override open(): KvEngine {
    return new SpoiledEngine(super.open(), (kv) => {
      this.#before = [];
      const remember = (key: Key) => this.#before.push([key, kv.get(key)]);
      return {
        set: (key, value) => {
          remember(key);
          kv.set(key, value);
        },
        delete: (key) => {
          remember(key);
          kv.delete(key);
        },
      };
    });
  }

  override async crash(): Promise<void> {
    await super.crash();
    await new SimKvEngine(this.drive).transact((kv) => {
      for (const [key, value] of this.#before.toReversed()) {
        if (value === undefined) kv.delete(key);
        else kv.set(key, value);
      }
    });
  }
}

export function losesTheLast(seed: number): EngineHome {
  return new ForgetfulHome(seed);
}
