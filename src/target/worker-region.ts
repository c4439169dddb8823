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
  readonly memory: Memory;
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
    const dataBytes = regionObjectBytes(grant.byteLength) - REGION_HEADER_BYTES;
    this.memory = memoryPort.map(grant.descriptor, REGION_HEADER_BYTES, dataBytes, true);
  }
}

/** A region's name as a key. */
export function regionKey(inode: number, index: number): string {
  return `${inode}.${index}`;
}
