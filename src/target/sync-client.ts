import { DidafsError } from "../std/errors.ts";
import {
  canSubmit,
  completionErrno,
  entryTicket,
  fillSubmission,
  nextCompletion,
  publishSubmission,
  releaseCompletion,
  ringDoorbell,
  SYNC_NAMES,
} from "../structs/sync-queue.ts";
import type { SyncChannel } from "./worker-syncs.ts";

/** The control thread's requests to the sync thread, as promises. Those that lie in the queue together share a sync. */
export class SyncClient {
  readonly #channel: SyncChannel;
  readonly #waiting: { descriptor: number; settle: (errno: number) => void }[] = [];
  readonly #running = new Map<number, (errno: number) => void>();
  #nextTicket = 0;

  constructor(channel: SyncChannel) {
    this.#channel = channel;
  }

  get pendingCount(): number {
    return this.#waiting.length + this.#running.size;
  }

  /** Makes an object durable; it stays open until then. @throws ERR_IO */
  sync(descriptor: number): Promise<void> {
    return this.#request(descriptor, "the object");
  }

  /** Makes all names durable. @throws ERR_IO */
  syncNames(): Promise<void> {
    return this.#request(SYNC_NAMES, "the drive's directory");
  }

  /** @returns requests sent and settled */
  doWork(): number {
    const { words, at } = this.#channel;
    let work = 0;
    for (let entry = nextCompletion(words, at); entry >= 0; entry = nextCompletion(words, at)) {
      const ticket = entryTicket(words, entry);
      const errno = completionErrno(words, entry);
      releaseCompletion(words, at);
      this.#running.get(ticket)?.(errno);
      this.#running.delete(ticket);
      work += 1;
    }
    return work + this.#submitAll();
  }

  #request(descriptor: number, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (errno: number): void => {
        if (errno === 0) resolve();
        else
          reject(
            new DidafsError("ERR_IO", `syncing ${what} failed with errno ${errno}`, { applied: "unknown" }),
          );
      };
      this.#waiting.push({ descriptor, settle });
      this.#submitAll();
    });
  }

  #submitAll(): number {
    const { words, at } = this.#channel;
    let submitted = 0;
    while (this.#waiting.length > 0 && canSubmit(words, at)) {
      const { descriptor, settle } = this.#waiting.shift() as {
        descriptor: number;
        settle: (errno: number) => void;
      };
      const ticket = this.#nextTicket;
      this.#nextTicket = (this.#nextTicket + 1) >>> 0;
      this.#running.set(ticket, settle);
      fillSubmission(words, at, ticket, descriptor);
      publishSubmission(words, at);
      submitted += 1;
    }
    if (submitted > 0) ringDoorbell(words);
    return submitted;
  }
}
