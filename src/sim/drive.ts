import type { Drive, DriveObject, DriveSync } from "../ports/drive.ts";
import { assert } from "../std/assert.ts";
import { DidafsError } from "../std/errors.ts";
import type { SimMemory } from "./memory.ts";

const EIO = 5;

/** What was asked of a drive's sync side, in order; a descriptor, or "names". */
export type SyncRecord = number | "names";

interface SimObject {
  byteLength: number;
  /** Bytes that have their place on the drive. */
  usedBytes: number;
  readonly descriptor: number;
  openCount: number;
}

/** No two simulated drives share their room. */
let media = 0;

/**
 * A drive whose objects are shared memory of a {@link SimMemory}. Every sync is recorded, and fails from `failSyncs`
 * on, as a medium does that has lost a page.
 */
export class SimDrive implements Drive, DriveSync {
  readonly kind: Drive["kind"];
  readonly durable: boolean;
  readonly medium: string;
  readonly synced: SyncRecord[] = [];
  failSyncs = false;
  readonly #memory: SimMemory;
  readonly #totalBytes: number;
  readonly #objects = new Map<string, SimObject>();
  #openCount = 0;
  #usedBytes = 0;

  constructor(memory: SimMemory, kind: Drive["kind"] = "file", totalBytes: number = 2 ** 40) {
    this.#memory = memory;
    this.kind = kind;
    this.durable = kind === "file";
    media += 1;
    this.medium = media.toString(16).padStart(32, "0");
    this.#totalBytes = totalBytes;
  }

  /** How often objects are open now. */
  get openCount(): number {
    return this.#openCount;
  }

  create(name: string, byteLength: number): DriveObject {
    if (this.#objects.has(name)) throw new DidafsError("EEXIST", `${name} exists`);
    if (this.#usedBytes + byteLength > this.#totalBytes) {
      throw new DidafsError("ERR_NO_SPACE", `no room for ${byteLength} bytes`);
    }
    this.#usedBytes += byteLength;
    const descriptor = this.#memory.newDescriptor();
    this.#memory.share(descriptor, byteLength);
    this.#objects.set(name, { byteLength, usedBytes: byteLength, descriptor, openCount: 0 });
    return this.#opened(name);
  }

  open(name: string): DriveObject | undefined {
    return this.#objects.has(name) ? this.#opened(name) : undefined;
  }

  #opened(name: string): DriveObject {
    const object = this.#objects.get(name) as SimObject;
    const { descriptor } = object;
    let open = true;
    this.#openCount += 1;
    object.openCount += 1;
    return {
      name,
      get byteLength() {
        return object.byteLength;
      },
      descriptor,
      // The same bytes; that it cannot be written is for a kernel to enforce.
      readOnlyDescriptor: () => descriptor,
      sealed: this.kind === "memory",
      extend: (at, end) => this.#extend(object, at, end),
      zero: (at, byteLength) => this.#zero(object, at, byteLength),
      punch: (at, byteLength) => {
        if (object.openCount > 1) return false;
        const end = Math.min(at + byteLength, object.byteLength);
        if (at >= end) return true;
        this.#zero(object, at, byteLength);
        const usedBytes = object.byteLength - (end - at);
        this.#usedBytes -= object.usedBytes - usedBytes;
        object.usedBytes = usedBytes;
        return true;
      },
      close: () => {
        assert(open, "an object is closed once");
        open = false;
        this.#openCount -= 1;
        object.openCount -= 1;
      },
    };
  }

  /** What lies before `at` is reserved, as elsewhere. */
  #extend(object: SimObject, at: number, end: number): void {
    const more = Math.max(0, end - Math.max(at, object.usedBytes));
    if (this.#usedBytes + more > this.#totalBytes) {
      throw new DidafsError("ERR_NO_SPACE", `no room for ${more} bytes`);
    }
    this.#usedBytes += more;
    object.usedBytes += more;
    if (end <= object.byteLength) return;
    this.#memory.grow(object.descriptor, end);
    object.byteLength = end;
  }

  #zero(object: SimObject, at: number, byteLength: number): void {
    const end = Math.min(at + byteLength, object.byteLength);
    this.#memory.map(object.descriptor, 0, end, true).u8.fill(0, at);
  }

  remove(name: string): void {
    this.#usedBytes -= this.#objects.get(name)?.usedBytes ?? 0;
    this.#objects.delete(name);
  }

  names(): string[] {
    return [...this.#objects.keys()];
  }

  capacity(): { totalBytes: number; freeBytes: number } {
    return { totalBytes: this.#totalBytes, freeBytes: this.#totalBytes - this.#usedBytes };
  }

  startWriting(_descriptor: number): number {
    return 0;
  }

  awaitWriting(_descriptor: number): number {
    return 0;
  }

  sync(descriptor: number): number {
    this.synced.push(descriptor);
    return this.failSyncs ? EIO : 0;
  }

  syncNames(): number {
    this.synced.push("names");
    return this.failSyncs ? EIO : 0;
  }

  close(): void {
    this.#objects.clear();
  }
}
