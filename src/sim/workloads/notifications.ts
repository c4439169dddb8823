import type { CallOptions, DidafsWindow } from "../../client/api.ts";
import { stampByte } from "../checkers/flushes.ts";
import type { Notifying, NotifyingOutput } from "../checkers/notification-history.ts";
import type { SimRandom } from "../random.ts";
import type { ClientProcess } from "../world/client-process.ts";
import { type NoticeFile, type NoticeSlot, STRIPE_BYTES } from "./book.ts";
import type { HeldWindow } from "./held-window.ts";

/** Accesses that are begun together: more than small queues have room for. */
const BURST_MAX = 10;

/** Who notifies, in one of its lives. */
export interface Notifier {
  readonly process: ClientProcess;
  /** Its number. */
  readonly number: number;
  /** What others know it by. */
  readonly origin: string;
}

/** An access that is under way. */
export interface Sent {
  readonly number: number;
  readonly done: Promise<NotifyingOutput>;
}

/** The accesses of one client that notify, each with a tag of its own, put down in the history of its file. */
export class NotifyingAccesses {
  readonly #file: NoticeFile;
  readonly #notifier: Notifier;
  readonly #random: SimRandom;
  /** The client's, as the first of each region. */
  readonly #slots: readonly NoticeSlot[];

  constructor(file: NoticeFile, notifier: Notifier, random: SimRandom) {
    this.#file = file;
    this.#notifier = notifier;
    this.#random = random;
    this.#slots = file.slots.filter(({ client }) => client === notifier.number);
  }

  /** A place of the client's own in each region. */
  get perRegion(): NoticeSlot[] {
    const ofRegion = new Map(this.#slots.map((slot) => [regionOf(this.#file, slot.at, slot.length), slot]));
    return [...ofRegion.values()];
  }

  /** One of the client's places. */
  any(): NoticeSlot {
    return this.#random.pick(this.#slots);
  }

  /** Puts some bytes of the slot, which say what number they are of. */
  put(
    window: DidafsWindow,
    id: string,
    { at, length: most }: NoticeSlot,
    limits: CallOptions,
    length: number = this.#random.chance(0.2) ? this.#random.between(0, 9) : this.#random.between(1, most),
  ): Sent {
    const input = this.#input("put", at, length, id);
    const bytes = Uint8Array.from({ length }, (_, index) => stampByte(input.number, at, index));
    return this.#send(input, async () => {
      await window.putNotify(at, bytes, input.number, limits);
      return null;
    });
  }

  /** Reads a slot, whose ever it is, and tells of that. */
  get(window: DidafsWindow, id: string, limits: CallOptions): Sent {
    const { at, length } = this.#random.pick(this.#file.slots);
    const input = this.#input("get", at, length, id);
    return this.#send(input, () => window.getNotify(at, new Uint8Array(length), input.number, limits));
  }

  #input(op: Notifying["op"], at: number, length: number, window: string): Notifying {
    const number = this.#file.nextNumber++;
    const region = regionOf(this.#file, at, length);
    const isCut = regionOf(this.#file, at, 1) !== region;
    return { op, number, source: this.#notifier.origin, at, length, region, isCut, window };
  }

  #send(input: Notifying, call: () => Promise<NotifyingOutput>): Sent {
    const done = this.#file.attempts.record(this.#notifier.process.name, input, call);
    // Whoever waits for it may come late.
    done.catch(() => {});
    return { number: input.number, done };
  }
}

/** The region of the last byte. */
function regionOf({ plan }: NoticeFile, at: number, length: number): number {
  return Math.floor((at + Math.max(length, 1) - 1) / STRIPE_BYTES) % plan.targets;
}

/** What a client does that tells others of bytes. */
export class NotifyingWork {
  readonly #held: HeldWindow;
  readonly #random: SimRandom;
  readonly #accesses: NotifyingAccesses;
  readonly #limits: CallOptions;

  constructor(file: NoticeFile, held: HeldWindow, notifier: Notifier, random: SimRandom) {
    this.#held = held;
    this.#random = random;
    this.#accesses = new NotifyingAccesses(file, notifier, random);
    this.#limits = { timeoutMs: notifier.process.timeoutMs };
  }

  /** One access, or a burst of them. @returns whether all were done */
  step(): Promise<boolean> {
    return this.#held.use(async (window, id) => {
      const count = this.#random.chance(0.2) ? this.#random.between(2, BURST_MAX) : 1;
      await settle(Array.from({ length: count }, () => this.#one(window, id)));
      return true;
    });
  }

  #one(window: DidafsWindow, id: string): Sent {
    if (this.#random.chance(0.15)) return this.#accesses.get(window, id, this.#limits);
    return this.#accesses.put(window, id, this.#accesses.any(), this.#limits);
  }

  /** Every region can be told of bytes that are put and read. */
  prove(): Promise<boolean> {
    return this.#held.use(async (window, id) => {
      const puts = this.#accesses.perRegion.map((slot) => this.#accesses.put(window, id, slot, this.#limits));
      await settle([...puts, this.#accesses.get(window, id, this.#limits)]);
      return true;
    });
  }
}

/** Waits for all. @throws the first failure */
export async function settle(sent: readonly Sent[]): Promise<void> {
  const outcomes = await Promise.allSettled(sent.map(({ done }) => done));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

export function numbersOf(sent: readonly Sent[]): number[] {
  return sent.map(({ number }) => number);
}
