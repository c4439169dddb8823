import type { CallOptions, DidafsWindow, Notification, NotificationQueue } from "../../client/api.ts";
import { isDidafsError } from "../../std/errors.ts";
import { RING_SLOTS } from "../../structs/notice-board.ts";
import type { QueueLife, Told } from "../checkers/notification-history.ts";
import type { ClientProcess } from "../world/client-process.ts";
import type { Book, NoticeFile } from "./book.ts";

export interface ToldQueueOptions {
  readonly capacity: number;
  /** Whose notifications it asks for. */
  readonly source?: string | undefined;
}

/** A queue of one client: what it tells is put down, with the bytes that are found there then. */
export class ToldQueue {
  readonly window: DidafsWindow;
  /** Of the window. */
  readonly id: string;
  readonly #queue: NotificationQueue;
  readonly #life: QueueLife;
  readonly #book: Book;
  readonly #limits: CallOptions;
  /** Numbers that somebody waits to be told of. */
  readonly #awaited = new Set<number>();
  closed = false;

  private constructor(
    window: DidafsWindow,
    id: string,
    queue: NotificationQueue,
    life: QueueLife,
    book: Book,
    limits: CallOptions,
  ) {
    this.window = window;
    this.id = id;
    this.#queue = queue;
    this.#life = life;
    this.#book = book;
    this.#limits = limits;
  }

  static async open(
    window: DidafsWindow,
    id: string,
    { capacity, source }: ToldQueueOptions,
    {
      file,
      book,
      client,
    }: { readonly file: NoticeFile; readonly book: Book; readonly client: ClientProcess },
  ): Promise<ToldQueue> {
    const limits = { timeoutMs: client.timeoutMs };
    const asked = book.sequence.next();
    const queue = await window.notifications({ capacity, source, ...limits });
    const opened = book.sequence.next();
    const ring = file.plan.sharing === "managed" ? 0 : Math.min(capacity, RING_SLOTS);
    const life: QueueLife = { client: client.name, source, capacity, ring, asked, opened, told: [] };
    file.lives.push(life);
    book.note(client.name, `has a queue of ${capacity} from ${opened} on, by ${id}`);
    return new ToldQueue(window, id, queue, life, book, limits);
  }

  /** Waits for one. @returns whether it came before the call ended */
  async next(limits: CallOptions): Promise<boolean> {
    try {
      await this.#look(await this.#queue.next(limits));
      return true;
    } catch (error) {
      if (isDidafsError(error, "ERR_TIMEOUT", "ERR_ABORTED")) return false;
      throw error;
    }
  }

  /** One that has come. @returns whether there was one */
  async tryNext(): Promise<boolean> {
    const found = this.#queue.tryNext();
    if (found !== undefined) await this.#look(found);
    return found !== undefined;
  }

  /** So many, and fewer where it is closed meanwhile. @returns whether there was one */
  async iterate(count: number): Promise<boolean> {
    let left = count;
    for await (const found of this.#queue) {
      await this.#look(found);
      left -= 1;
      if (left === 0) break;
    }
    return left < count;
  }

  /** Waits until it is told of all these numbers. @returns false when one did not come within `waitMs` after the one before */
  async drain(numbers: readonly number[], waitMs: number): Promise<boolean> {
    for (const number of numbers) this.#awaited.add(number);
    for (const { tag } of this.#life.told) this.#awaited.delete(tag);
    while (this.#awaited.size > 0) if (!(await this.next({ timeoutMs: waitMs }))) return false;
    return true;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.#queue.close();
  }

  /** What lies there, at once. */
  async #look(notification: Notification): Promise<void> {
    const { at, length, tag } = notification;
    const told: Told = {
      ...notification,
      told: this.#book.sequence.next(),
      looked: Number.POSITIVE_INFINITY,
      bytes: undefined,
    };
    this.#life.told.push(told);
    this.#awaited.delete(tag);
    this.#book.note(this.#life.client, `is told of ${tag}, ${length} bytes at ${at}, at ${told.told}`);
    if (length === 0) return;
    told.bytes = await this.window.get(at, new Uint8Array(length), this.#limits);
    told.looked = this.#book.sequence.next();
  }
}
