import type { MemoryPort } from "../ports/memory.ts";
import type { Connection } from "./connection.ts";

/** Messages that are arriving, in bytes. */
const ARRIVING_BYTES_MAX = 256 << 20;
/** With so much queued on a connection no further copy is made for it, or handed over. */
export const COPIES_QUEUED_MAX: number = 64 << 10;
/** Connections that may have copies to send at a time, 320 KiB each at most. */
const COPYING_MAX = 256;

/** What the connections of a worker hold of its memory: messages that are arriving, and copies to be sent. */
export class ConnectionMemory {
  readonly #port: MemoryPort;
  #arrivingBytes = 0;
  readonly #copying = new Set<Connection>();

  constructor(port: MemoryPort) {
    this.#port = port;
  }

  /** Memory for a message of so many bytes. @returns false where there is none at this moment */
  openMessage(connection: Connection, byteLength: number): boolean {
    if (this.#arrivingBytes + byteLength > ARRIVING_BYTES_MAX) return false;
    this.#arrivingBytes += byteLength;
    connection.message = new Uint8Array(byteLength);
    return true;
  }

  /** @returns what has arrived, which is not kept any more */
  closeMessage(connection: Connection): Uint8Array | undefined {
    const { message } = connection;
    connection.message = undefined;
    this.#arrivingBytes -= message?.length ?? 0;
    return message;
  }

  /** False where too many connections keep the worker from forgetting copies: their peers do not read. */
  mayCopy(connection: Connection): boolean {
    if (this.#copying.size < COPYING_MAX || this.#copying.has(connection)) return true;
    for (const one of this.#copying) if (one.closed || one.copiedBytes === 0) this.#copying.delete(one);
    return this.#copying.size < COPYING_MAX;
  }

  /** Queues a copy behind the connection's last answer. */
  pushCopy(connection: Connection, copy: Uint8Array<ArrayBuffer>): void {
    connection.queue.pushPayload(this.#port.borrow(copy), 0, copy.length);
    connection.copied(copy.length);
    this.#copying.add(connection);
  }
}
