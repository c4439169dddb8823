import { regionKey } from "../epoch/commit-records.ts";
import type { Memory, MemoryPort } from "../ports/memory.ts";
import { REGION_HEADER_BYTES, regionObjectBytes } from "../structs/region-header.ts";
import { SHARED_HEAT } from "../structs/worker-counters.ts";
import type { RegionGrant } from "./messages.ts";
import type { RegionLines } from "./region-lines.ts";

/** The connection that a flush came on, as far as its answer needs it. */
export interface Flusher {
  readonly slot: number;
  readonly closed: boolean;
  pendingFlushes: number;
  hasRoom(): boolean;
  answer(opcode: number, tag: number, status: number, payloadBytes: number): number;
}

/** A flush that is answered when a sync is done. */
export interface FlushWaiter {
  readonly flusher: Flusher;
  readonly tag: number;
  /** When it came, on the worker's clock. */
  readonly sinceMs: number;
}

/** Who waits for a sync: a flush, or what is called with its errno, or 0. */
export type SyncWaiter = FlushWaiter | ((errno: number) => void);

/** Who is told of each write to a region, after it. */
export interface RegionWatch {
  touched(region: WorkerRegion, at: number, length: number): void;
}

/** A region that a worker serves, mapped from its first data byte. */
export class WorkerRegion {
  readonly inode: number;
  readonly index: number;
  /** Its name, see regionKey. */
  readonly key: string;
  readonly descriptor: number;
  readonly durable: boolean;
  /** Bytes of the data that it has now; the mapping has at least as many. */
  byteLength: number;
  memory: Memory;
  /** Where its accesses are counted (heat-table.ts). */
  heat: number = SHARED_HEAT;
  readonly #memoryPort: MemoryPort;
  /** A sync failed: what is in memory and what is on the drive may differ for good, so nothing is served any more. */
  failed = false;
  /** A sync is under way; who comes meanwhile waits for the next one. */
  syncing = false;
  gathering: SyncWaiter[] = [];
  /** From the first epoch on that reads or writes it here. */
  lines: RegionLines | undefined = undefined;
  /** While somebody waits for a word of it. */
  watch: RegionWatch | undefined = undefined;
  #header: Memory | undefined;

  /** @throws ERR_IO, ERR_TOO_MANY when the kernel refuses the mapping */
  constructor(grant: RegionGrant, memoryPort: MemoryPort) {
    this.inode = grant.inode;
    this.index = grant.index;
    this.key = regionKey(grant.inode, grant.index);
    this.descriptor = grant.descriptor;
    this.durable = grant.durable;
    this.byteLength = grant.byteLength;
    this.#memoryPort = memoryPort;
    this.memory = this.#map(grant.byteLength);
  }

  /**
   * Replaces the mapping by a longer one. Nothing that is to be sent may refer to the old one.
   * @throws ERR_IO, ERR_TOO_MANY when the kernel refuses; the old one stays
   */
  remap(byteLength: number): void {
    const old = this.memory;
    this.memory = this.#map(byteLength);
    this.#memoryPort.free(old);
  }

  /** Bytes of it have changed, by whatever command, which has its answer: others may come of it on the same connection. */
  written(at: number, length: number): void {
    this.lines?.written(at, length);
    this.watch?.touched(this, at, length);
  }

  /** The words of its header page, mapped when they are needed first. @throws ERR_IO, ERR_TOO_MANY */
  headerWords(): Int32Array {
    this.#header ??= this.#memoryPort.map(this.descriptor, 0, REGION_HEADER_BYTES, true);
    return this.#header.i32;
  }

  /** Unmaps it. */
  free(): void {
    this.#memoryPort.free(this.memory);
    if (this.#header !== undefined) this.#memoryPort.free(this.#header);
  }

  #map(byteLength: number): Memory {
    const dataBytes = regionObjectBytes(byteLength) - REGION_HEADER_BYTES;
    return this.#memoryPort.map(this.descriptor, REGION_HEADER_BYTES, dataBytes, true);
  }
}
