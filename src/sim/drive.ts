import type { Drive, DriveObject, DriveSync } from "../ports/drive.ts";
import { assert } from "../std/assert.ts";
import { DidafsError } from "../std/errors.ts";
import type { SimMemory } from "./memory.ts";

const EIO = 5;

/** What was asked of a drive's sync side, in order; a descriptor, or "names". */
export type SyncRecord = number | "names";

/**
 * A drive whose objects are shared memory of a {@link SimMemory}. Every sync is recorded, and fails from `failSyncs`
 * on, as a medium does that has lost a page.
 */
export class SimDrive implements Drive, DriveSync {
  readonly kind: Drive["kind"];
  readonly durable: boolean;
  readonly synced: SyncRecord[] = [];
  failSyncs = false;
  readonly #memory: SimMemory;
  readonly #totalBytes: number;
  readonly #objects = new Map<string, { byteLength: number; descriptor: number }>();
  #openCount = 0;
  #usedBytes = 0;

  constructor(memory: SimMemory, kind: Drive["kind"] = "file", totalBytes: number = 2 ** 40) {
    this.#memory = memory;
    this.kind = kind;
    this.durable = kind === "file";
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
    this.#objects.set(name, { byteLength, descriptor });
    return this.#opened(name);
  }

  open(name: string): DriveObject | undefined {
    return this.#objects.has(name) ? this.#opened(name) : undefined;
  }

  #opened(name: string): DriveObject {
    const { byteLength, descriptor } = this.#objects.get(name) as { byteLength: number; descriptor: number };
    let open = true;
    this.#openCount += 1;
    return {
      name,
      byteLength,
      descriptor,
      // The same bytes; that it cannot be written is for a kernel to enforce.
      readOnlyDescriptor: () => descriptor,
      sealed: this.kind === "memory",
      close: () => {
        assert(open, "an object is closed once");
        open = false;
        this.#openCount -= 1;
      },
    };
  }

  remove(name: string): void {
    this.#usedBytes -= this.#objects.get(name)?.byteLength ?? 0;
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
