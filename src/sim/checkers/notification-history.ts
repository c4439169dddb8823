import type { Operation } from "../history.ts";

/** An access that notifies. */
export interface Notifying {
  readonly op: "put" | "get";
  /** Its tag, which no other has. */
  readonly number: number;
  readonly source: string;
  readonly at: number;
  readonly length: number;
  /** Where its last byte is: it is told there. */
  readonly region: number;
  /** It lies on several regions: what notifies leaves when the rest is answered. */
  readonly isCut: boolean;
  readonly window: string;
}

/** Of a get: its bytes. */
export type NotifyingOutput = Uint8Array | null;

export type NotifyingOperation = Operation<Notifying, NotifyingOutput>;

/** What a queue has told. */
export interface Told {
  readonly source: string;
  readonly tag: number;
  readonly at: number;
  readonly length: number;
  /** When, and when the bytes were found there; Infinity where they could not be read. */
  readonly told: number;
  looked: number;
  bytes: Uint8Array | undefined;
}

export interface QueueLife {
  readonly client: string;
  /** Its filter. */
  readonly source: string | undefined;
  readonly capacity: number;
  /** Notifications that each window may have told on a board beside that. */
  readonly ring: number;
  /** When it was asked for, and when it was there. */
  readonly asked: number;
  readonly opened: number;
  readonly told: Told[];
}

/** All of one file. */
export interface NotificationHistory {
  readonly attempts: readonly NotifyingOperation[];
  readonly lives: readonly QueueLife[];
  /** When bytes of it were lost with power. */
  readonly losses: readonly number[];
}

/** "put 7 of client-1.1#2". */
export function nameOf({ input, invoked, returned, outcome }: NotifyingOperation): string {
  const { op, number, window } = input;
  return `${op} ${number} of ${window} (${invoked} to ${returned}, ${outcome})`;
}
