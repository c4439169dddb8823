import type { KvEngine, KvReader, KvTransaction } from "../ports/kv.ts";
import type { Random } from "../ports/random.ts";
import { DidafsError } from "../std/errors.ts";
import { storedByAnother } from "../std/versions.ts";
import { beginTargets } from "./cluster-targets.ts";
import { decodeCount, encodeCount } from "./count-record.ts";
import { FORMAT_KEY, FORMAT_VERSION, NEXT_INODE_KEY, ROOT_INODE } from "./keys.ts";
import { rootInode } from "./new-inode.ts";
import { addInode } from "./tables.ts";

/** Inode numbers that are reserved at a time, so that most creates need no commit for theirs. */
const RESERVED_COUNT = 1024;

const ID_BYTES = 16;

/** The engine with what every part of the service needs of it: the cluster's identity, fresh inode numbers, busy(). */
export class MetaStore {
  /** Identity of the cluster, 32 hex digits. */
  readonly clusterId: string;
  /** The first inode number that this life of the service can give out. */
  readonly firstOwnInode: number;
  readonly #engine: KvEngine;
  #underWay = 0;
  #revision = 0;
  #nextInode = 0;
  #reservedEnd = 0;
  #reserving: Promise<void> | undefined;

  private constructor(engine: KvEngine, clusterId: string) {
    this.#engine = engine;
    this.clusterId = clusterId;
    this.firstOwnInode = engine.read(nextInodeOf);
  }

  /**
   * Opens the metadata in `engine`, and makes them where there are none.
   * @throws ERR_VERSION when another version wrote them, ERR_CORRUPT, ERR_NO_SPACE, ERR_IO
   */
  static async open(engine: KvEngine, random: Random, wallMs: number): Promise<MetaStore> {
    const freshId = random.bytes(ID_BYTES);
    const clusterId = await engine.transact((transaction) => {
      const format = transaction.get(FORMAT_KEY);
      if (format !== undefined) return readFormat(format);
      const version = Buffer.alloc(2);
      version.writeUInt16LE(FORMAT_VERSION);
      transaction.set(FORMAT_KEY, Buffer.concat([version, freshId]));
      addInode(transaction, ROOT_INODE, rootInode(wallMs));
      beginTargets(transaction);
      return Buffer.from(freshId).toString("hex");
    });
    return new MetaStore(engine, clusterId);
  }

  /** True while a transaction is under way. */
  get busy(): boolean {
    return this.#underWay > 0;
  }

  /** Another one after each transaction, begun or done: where it is the same, nothing was changed in between. */
  get revision(): number {
    return this.#revision;
  }

  read<T>(body: (reader: KvReader) => T): T {
    return this.#engine.read(body);
  }

  async transact<T>(body: (transaction: KvTransaction) => T): Promise<T> {
    this.#underWay += 1;
    this.#revision += 1;
    try {
      return await this.#engine.transact(body);
    } finally {
      this.#underWay -= 1;
      this.#revision += 1;
    }
  }

  /** A number that no inode ever had, crashes included: those reserved and not used are lost, never given again. */
  async newInode(): Promise<number> {
    while (this.#nextInode >= this.#reservedEnd) {
      this.#reserving ??= this.#reserve();
      await this.#reserving;
    }
    return this.#nextInode++;
  }

  async newInodes(count: number): Promise<number[]> {
    const inodes: number[] = [];
    while (inodes.length < count) inodes.push(await this.newInode());
    return inodes;
  }

  async #reserve(): Promise<void> {
    try {
      const first = await this.transact((transaction) => {
        const next = nextInodeOf(transaction);
        setNextInode(transaction, next + RESERVED_COUNT);
        return next;
      });
      this.#nextInode = first;
      this.#reservedEnd = first + RESERVED_COUNT;
    } finally {
      this.#reserving = undefined;
    }
  }
}

/** The first inode number that was never reserved. @throws ERR_CORRUPT */
export function nextInodeOf(reader: KvReader): number {
  const value = reader.get(NEXT_INODE_KEY);
  return value === undefined ? ROOT_INODE + 1 : decodeCount(value, "the next inode's number");
}

export function setNextInode(transaction: KvTransaction, inode: number): void {
  transaction.set(NEXT_INODE_KEY, encodeCount(inode));
}

function readFormat(value: Uint8Array): string {
  const bytes = Buffer.from(value);
  if (bytes.byteLength < 2) throw new DidafsError("ERR_CORRUPT", "the format of the metadata is damaged");
  const version = bytes.readUInt16LE();
  if (version !== FORMAT_VERSION) {
    throw storedByAnother("the metadata have format", version, FORMAT_VERSION);
  }
  if (bytes.byteLength !== 2 + ID_BYTES)
    throw new DidafsError("ERR_CORRUPT", "the cluster's identity is damaged");
  return bytes.toString("hex", 2);
}
