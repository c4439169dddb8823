import type { DriveObject } from "../../src/ports/drive.ts";
import { SimDrive } from "../../src/sim/drive.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import type { SimRandom } from "../../src/sim/random.ts";

/** What a drive writes whole or not at all. */
const SECTOR_BYTES = 512;

/** A drive that knows what was synced, and so what a loss of power can leave. */
export class PowerLossDrive extends SimDrive {
  readonly #names = new Map<number, string>();
  readonly #media = new Map<string, Uint8Array>();
  readonly #shared: SimMemory;

  constructor(memory: SimMemory) {
    super(memory);
    this.#shared = memory;
  }

  override create(name: string, byteLength: number): DriveObject {
    const object = super.create(name, byteLength);
    this.#names.set(object.descriptor, name);
    return object;
  }

  override sync(descriptor: number): number {
    const name = this.#names.get(descriptor);
    if (name !== undefined) this.#media.set(name, this.#bytes(name));
    return super.sync(descriptor);
  }

  #bytes(name: string): Uint8Array {
    const object = this.open(name) as DriveObject;
    const bytes = this.#shared.map(object.descriptor, 0, object.byteLength, false).u8.slice();
    object.close();
    return bytes;
  }

  /** The process that used it is gone, its machine goes on. */
  keep(): { memory: SimMemory; drive: PowerLossDrive } {
    return { memory: this.#shared, drive: this };
  }

  /** Each sector that changed since the last sync, and the length, is there or is not. */
  losePower(random: SimRandom): { memory: SimMemory; drive: PowerLossDrive } {
    const memory = new SimMemory();
    const drive = new PowerLossDrive(memory);
    for (const name of this.names()) {
      const now = this.#bytes(name);
      const synced = this.#media.get(name) ?? new Uint8Array(0);
      const byteLength = random.between(0, 1) === 0 ? now.length : synced.length;
      if (byteLength === 0) continue;
      const object = drive.create(name, byteLength);
      const left = memory.map(object.descriptor, 0, byteLength, true).u8;
      for (let at = 0; at < byteLength; at += SECTOR_BYTES) {
        const source = random.between(0, 1) === 0 ? now : synced;
        left.set(source.subarray(at, Math.min(at + SECTOR_BYTES, byteLength)), at);
      }
      drive.sync(object.descriptor);
      object.close();
    }
    return { memory, drive };
  }
}
