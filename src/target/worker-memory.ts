import type { Memory, MemoryPort } from "../ports/memory.ts";
import { Pool } from "../std/pool.ts";
import { type SendRooms, sendRooms } from "../transport/send-queue.ts";
import { HEADER_BYTES } from "../wire/header.ts";

const STAGING_MEMORY_BYTES = 32 << 10;
/** Bytes that one receive takes in at most, besides payload that goes straight into a region. */
export const STAGING_BYTES: number = STAGING_MEMORY_BYTES - HEADER_BYTES;
/** Answers of a connection that may be queued at a time; a power of two. */
export const ANSWERS_MAX = 256;
/** Connections that are at work at the same time find memory that was used before; a worker keeps 4 MiB at most. */
const KEPT_MAX = 64;

/**
 * What the connections of one worker need while they are at work. A step takes it and gives it back, unless something is
 * left over: half a header, commands that have to wait, answers that the peer does not take. So a connection costs 60 KiB
 * at most (32 staged, 28 of answers), and one at rest nothing.
 */
export class WorkerMemory {
  /** Each has room for one header behind STAGING_BYTES, where a misaligned one is put straight. */
  readonly stagings: Pool<Memory>;
  readonly answerRooms: SendRooms;
  readonly port: MemoryPort;

  constructor(port: MemoryPort) {
    this.port = port;
    this.stagings = new Pool(
      () => port.allocate(STAGING_MEMORY_BYTES),
      (memory) => port.free(memory),
      KEPT_MAX,
    );
    this.answerRooms = sendRooms(port, ANSWERS_MAX, KEPT_MAX);
  }

  close(): void {
    this.stagings.close();
    this.answerRooms.close();
  }
}
