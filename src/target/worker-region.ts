import type { Memory, MemoryPort } from "../ports/memory.ts";
import { REGION_HEADER_BYTES, regionObjectBytes } from "../structs/region-header.ts";
import type { RegionGrant } from "./messages.ts";

/** The connection that a flush came on, as far as its answer needs it. */
export interface Flusher {
  readonly slot: number;
  readonly closed: boolean;
  pendingFlushes: number;
  hasRoom(): boolean;
  answer(opcode: number, tag: number, status: number, payloadBytes: number): number;
}

/** A flush that is answered when a sync is done. */
export interface Waiter {
  readonly flusher: Flusher;
  readonly tag: number;
}

/** A region that a worker serves, mapped from its first data byte. */
export class WorkerRegion {
  readonly inode: number;
  readonly index: number;
  readonly descriptor: number;
  readonly durable: boolean;
  /** Bytes of the data that it has now; the mapping has at least as many. */
  byteLength: number;
  memory: Memory;
  readonly #memoryPort: MemoryPort;
  /** A sync failed: what is in memory and what is on the drive may differ for good, so nothing is served any more. */
  failed = false;
  /** A sync is under way for `waiting`; flushes that come meanwhile gather in `gathering`. */
  syncing = false;
  waiting: Waiter[] = [];
  gathering: Waiter[] = [];

  /** @throws ERR_IO when the kernel refuses the mapping */
  constructor(grant: RegionGrant, memoryPort: MemoryPort) {
    this.inode = grant.inode;
    this.index = grant.index;
    this.descriptor = grant.descriptor;
    this.durable = grant.durable;
    this.byteLength = grant.byteLength;
    this.#memoryPort = memoryPort;
    this.memory = this.#map(grant.byteLength);
  }

  /**
   * Replaces the mapping by a longer one. Nothing that is to be sent may refer to the old one.
   * @throws ERR_IO when the kernel refuses; the old one stays
   */
  remap(byteLength: number): void {
    const old = this.memory;
    this.memory = this.#map(byteLength);
    this.#memoryPort.free(old);
  }

  #map(byteLength: number): Memory {
    const dataBytes = regionObjectBytes(byteLength) - REGION_HEADER_BYTES;
    return this.#memoryPort.map(this.descriptor, REGION_HEADER_BYTES, dataBytes, true);
  }
}

/** A region's name as a key. */
export function regionKey(inode: number, index: number): string {
  return `${inode}.${index}`;
}
