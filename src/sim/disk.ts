import type { Drive, DriveObject, DriveSync } from "../ports/drive.ts";
import { assert } from "../std/assert.ts";
import { DidafsError } from "../std/errors.ts";
import { DiskImage, lossOf } from "./disk-image.ts";
import type { SimMemory } from "./memory.ts";
import { type DiskLoss, joinedLoss, NOTHING_LOST } from "./power-losses.ts";
import type { SimRandom } from "./random.ts";

const EIO = 5;

/** What is wrong with a disk at present. */
export interface DiskFaults {
  /** Nothing more can be reserved. */
  full: boolean;
  /** How often opening an object fails, and how often a sync does. */
  readErrorRate: number;
  syncErrorRate: number;
  /** Syncs take so many times as long as they do on this disk. */
  slowness: number;
}

interface DiskObject {
  readonly descriptor: number;
  readonly image: DiskImage;
  byteLength: number;
  openCount: number;
}

/**
 * A disk that outlives the processes which use it, one at a time. Each object has a live image, which is what processes
 * map, and a durable one, by sectors; names are live and durable likewise. A process that crashes leaves the live images; a
 * loss of power leaves the durable ones and, of what was not synced, whichever sectors and names the seed says.
 */
export class SimDisk implements Drive, DriveSync {
  readonly kind: Drive["kind"];
  readonly durable: boolean;
  readonly medium: string;
  readonly faults: DiskFaults = { full: false, readErrorRate: 0, syncErrorRate: 0, slowness: 1 };
  /** What syncs on this disk take, of what they do on a fast one. */
  readonly pace: number;
  readonly #memory: SimMemory;
  readonly #random: SimRandom;
  readonly #totalBytes: number;
  #names = new Map<string, DiskObject>();
  #durableNames = new Map<string, DiskObject>();
  /** Those that exist, with a name or without. */
  readonly #objects = new Map<number, DiskObject>();

  /** @param number tells its medium from that of others */
  constructor(
    memory: SimMemory,
    random: SimRandom,
    options: { kind: Drive["kind"]; number: number; totalBytes: number; pace: number },
  ) {
    this.#memory = memory;
    this.#random = random;
    this.kind = options.kind;
    this.durable = options.kind === "file";
    this.medium = options.number.toString(16).padStart(32, "0");
    this.#totalBytes = options.totalBytes;
    this.pace = options.pace;
  }

  create(name: string, byteLength: number): DriveObject {
    this.#tryToRead(name);
    if (this.#names.has(name)) throw new DidafsError("EEXIST", `${name} exists`);
    this.#reserve(byteLength);
    const object = this.#make(new DiskImage(), byteLength);
    this.#names.set(name, object);
    return this.#opened(name, object);
  }

  open(name: string): DriveObject | undefined {
    this.#tryToRead(name);
    const object = this.#names.get(name);
    return object === undefined ? undefined : this.#opened(name, object);
  }

  remove(name: string): void {
    const object = this.#names.get(name);
    this.#names.delete(name);
    if (object !== undefined) this.#discard(object);
  }

  names(): string[] {
    return [...this.#names.keys()];
  }

  capacity(): { totalBytes: number; freeBytes: number } {
    let usedBytes = 0;
    for (const { byteLength } of this.#objects.values()) usedBytes += byteLength;
    const freeBytes = this.faults.full ? 0 : Math.max(0, this.#totalBytes - usedBytes);
    return { totalBytes: this.#totalBytes, freeBytes };
  }

  startWriting(_descriptor: number): number {
    return 0;
  }

  awaitWriting(_descriptor: number): number {
    return 0;
  }

  /** Begins to make what is live now durable; `finishSyncs` ends it. */
  sync(descriptor: number): number {
    const object = this.#objects.get(descriptor);
    if (object === undefined) return 0;
    const live = this.#bytes(object);
    if (this.#random.chance(this.faults.syncErrorRate)) {
      object.image.fail(live, this.#random);
      return EIO;
    }
    object.image.begin(live);
    object.image.writeBack(live, this.#random, this.#random.fraction());
    return 0;
  }

  syncNames(): number {
    if (this.#random.chance(this.faults.syncErrorRate)) return EIO;
    this.#durableNames = new Map(this.#names);
    return 0;
  }

  /** Syncs that were begun have done what they promise. */
  finishSyncs(): void {
    for (const { image } of this.#objects.values()) image.finish();
  }

  /** The kernel writes something back of its own accord. */
  writeBack(): void {
    for (const object of this.#objects.values()) {
      if (this.#random.chance(0.5)) object.image.writeBack(this.#bytes(object), this.#random, 0.3);
    }
    this.#keepSomeNames();
  }

  /** The process that used it has ended; its machine goes on. */
  processEnded(): void {
    for (const object of [...this.#objects.values()]) {
      object.openCount = 0;
      this.#discard(object);
    }
    if (this.kind === "memory") this.#clear();
  }

  /** What is left of the disk when the power comes back. @returns what it did to what a file has and no sync had covered */
  losePower(): DiskLoss {
    if (this.kind === "memory") {
      this.#clear();
      return NOTHING_LOST;
    }
    // What was removed may come back, and nobody misses it.
    const unsynced = [...new Set(this.#names.values())].map((object) => ({
      object,
      ...object.image.unsynced(this.#bytes(object)),
    }));
    this.#keepSomeNames();
    const left = this.#durableNames;
    const live = new Map([...this.#objects.values()].map((object) => [object, this.#bytes(object)]));
    const leftOf = new Map<DiskObject, Uint8Array>();
    this.#clear();
    for (const [name, object] of left) {
      const bytes = object.image.afterLoss(live.get(object) ?? new Uint8Array(0), this.#random);
      leftOf.set(object, bytes);
      const image = new DiskImage(bytes);
      const again = this.#make(image, bytes.byteLength);
      this.#bytes(again).set(bytes);
      this.#names.set(name, again);
    }
    this.#durableNames = new Map(this.#names);
    return joinedLoss(unsynced.map((one) => lossOf(one, leftOf.get(one.object) ?? new Uint8Array(0))));
  }

  close(): void {}

  #clear(): void {
    for (const descriptor of this.#objects.keys()) this.#memory.forget(descriptor);
    this.#objects.clear();
    this.#names = new Map();
    this.#durableNames = new Map();
  }

  /** Of names that were made or removed since the last sync, some have become durable by themselves. */
  #keepSomeNames(): void {
    for (const [name, object] of this.#names) {
      if (this.#durableNames.get(name) !== object && this.#random.chance(0.5)) {
        this.#durableNames.set(name, object);
      }
    }
    for (const name of [...this.#durableNames.keys()]) {
      if (!this.#names.has(name) && this.#random.chance(0.5)) this.#durableNames.delete(name);
    }
  }

  #tryToRead(name: string): void {
    if (!this.#random.chance(this.faults.readErrorRate)) return;
    throw new DidafsError("ERR_IO", `the drive fails to read ${name}`);
  }

  /** @throws ERR_NO_SPACE */
  #reserve(byteLength: number): void {
    if (byteLength <= this.capacity().freeBytes) return;
    throw new DidafsError("ERR_NO_SPACE", `no room for ${byteLength} bytes`);
  }

  #make(image: DiskImage, byteLength: number): DiskObject {
    const descriptor = this.#memory.newDescriptor();
    this.#memory.share(descriptor, byteLength);
    const object = { descriptor, image, byteLength, openCount: 0 };
    this.#objects.set(descriptor, object);
    return object;
  }

  #bytes(object: DiskObject): Uint8Array<ArrayBuffer> {
    return this.#memory.bytesOf(object.descriptor);
  }

  /** An object that has no name and that nobody has open is gone, as soon as that is durable. */
  #discard(object: DiskObject): void {
    if (object.openCount > 0 || [...this.#names.values()].includes(object)) return;
    if ([...this.#durableNames.values()].includes(object)) return;
    this.#objects.delete(object.descriptor);
    this.#memory.forget(object.descriptor);
  }

  #opened(name: string, object: DiskObject): DriveObject {
    const { descriptor } = object;
    let open = true;
    object.openCount += 1;
    return {
      name,
      get byteLength() {
        return object.byteLength;
      },
      descriptor,
      readOnlyDescriptor: () => descriptor,
      sealed: this.kind === "memory",
      extend: (_at, end) => this.#extend(object, end),
      zero: (at, byteLength) => this.#zero(object, at, byteLength),
      punch: (at, byteLength) => {
        if (object.openCount > 1) return false;
        this.#zero(object, at, byteLength);
        return true;
      },
      close: () => {
        assert(open, "an object is closed once");
        open = false;
        object.openCount -= 1;
        this.#discard(object);
      },
    };
  }

  #extend(object: DiskObject, end: number): void {
    if (end <= object.byteLength) return;
    this.#reserve(end - object.byteLength);
    this.#memory.grow(object.descriptor, end);
    object.byteLength = end;
  }

  #zero(object: DiskObject, at: number, byteLength: number): void {
    const end = Math.min(at + byteLength, object.byteLength);
    if (at < end) this.#bytes(object).fill(0, at, end);
  }
}
