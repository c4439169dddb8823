import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stampByte } from "../../../src/sim/checkers/flushes.ts";
import type {
  Notifying,
  NotifyingOperation,
  QueueLife,
  Told,
} from "../../../src/sim/checkers/notification-history.ts";
import { checkNotifications } from "../../../src/sim/checkers/notifications.ts";

const LENGTH = 16;

/** A put of 16 bytes at 0, from `invoked` to `returned`. */
function put(
  number: number,
  invoked: number,
  returned: number,
  other: Partial<Notifying> & { readonly outcome?: NotifyingOperation["outcome"] } = {},
): NotifyingOperation {
  const { outcome = "done", ...rest } = other;
  const input = { op: "put", number, source: "a", at: 0, length: LENGTH, region: 0, isCut: false } as const;
  const window = `${rest.source ?? "a"}#1`;
  return { client: "a", input: { ...input, window, ...rest }, invoked, returned, outcome, output: null };
}

function get(number: number, invoked: number, returned: number, bytes: Uint8Array): NotifyingOperation {
  return { ...put(number, invoked, returned, { op: "get" }), output: bytes };
}

/** Puts whose end nobody knows. */
function unknown(number: number, invoked: number, other: Partial<Notifying> = {}): NotifyingOperation {
  return put(number, invoked, Number.POSITIVE_INFINITY, { ...other, outcome: "unknown" });
}

/** The bytes of a put at 0. */
function bytesOf(number: number): Uint8Array {
  return Uint8Array.from({ length: LENGTH }, (_, index) => stampByte(number, 0, index));
}

/** The queue tells of an access when the time is `at`. */
function told(tag: number, at: number, other: Partial<Told> = {}): Told {
  const usual = { source: "a", at: 0, length: LENGTH, looked: Number.POSITIVE_INFINITY, bytes: undefined };
  return { tag, told: at, ...usual, ...other };
}

function found(tag: number, at: number, bytes: Uint8Array): Told {
  return told(tag, at, { looked: at + 1, bytes });
}

/** A queue that is asked for at 10 and there at 20. */
function life(notices: readonly Told[], other: Partial<QueueLife> = {}): QueueLife {
  const usual = { client: "c", source: undefined, capacity: 2, ring: 0, asked: 10, opened: 20 };
  return { ...usual, told: [...notices], ...other };
}

type Parts = [attempts: NotifyingOperation[], lives: QueueLife[], losses?: number[]];

const LEGAL: [name: string, ...Parts][] = [
  ["nothing", [], [life([])]],
  ["all in order", [put(1, 30, 31), put(2, 32, 33)], [life([told(1, 40), told(2, 41)])]],
  ["what was answered last is not told yet", [put(1, 30, 31), put(2, 32, 33)], [life([told(1, 40)])]],
  ["what was begun before the queue was there", [put(1, 15, 25), put(2, 32, 33)], [life([told(2, 40)])]],
  ["the same, told", [put(1, 5, 15), put(2, 32, 33)], [life([told(1, 40), told(2, 41)])]],
  ["in two queues", [put(1, 30, 31)], [life([told(1, 40)]), life([told(1, 41)])]],
  [
    "two who send at once, in either order",
    [put(1, 30, 35, { source: "b" }), put(2, 31, 34)],
    [life([told(2, 40), told(1, 41, { source: "b" })])],
  ],
  [
    "other regions have another order",
    [put(1, 30, 31), put(2, 32, 33, { region: 1 })],
    [life([told(2, 40), told(1, 41)])],
  ],
  ["what failed for nobody knows why, late", [unknown(1, 30), put(2, 32, 33)], [life([told(2, 40)])]],
  [
    "the same, told by another window's connection",
    [unknown(1, 30), put(2, 32, 33, { window: "a#2" })],
    [life([told(2, 40), told(1, 41)])],
  ],
  [
    "a cut access that was overtaken",
    [put(1, 30, 35, { isCut: true }), put(2, 31, 34)],
    [life([told(2, 40), told(1, 41)])],
  ],
  [
    "what a filter leaves out",
    [put(1, 30, 31, { source: "b" }), put(2, 32, 33)],
    [life([told(2, 40)], { source: "a" })],
  ],
  [
    "as many as have room twice",
    [1, 2, 3, 4].map((number) => put(number, 30 + number, 40)).concat(put(5, 50, 51)),
    [life([1, 2, 3, 4, 5].map((number) => told(number, 60 + number)))],
  ],
  ["its own bytes", [put(1, 30, 31)], [life([found(1, 40, bytesOf(1))])]],
  ["a later put's bytes", [put(1, 30, 31), put(2, 32, 33)], [life([found(1, 40, bytesOf(2))])]],
  ["bytes of a put at the same time", [put(1, 30, 35), put(2, 31, 34)], [life([found(2, 40, bytesOf(1))])]],
  [
    "bytes of one that may come at any time",
    [unknown(1, 30, { window: "a#2" }), put(2, 32, 33)],
    [life([found(2, 40, bytesOf(1))])],
  ],
  ["older bytes, power was lost", [put(1, 30, 31)], [life([found(1, 40, bytesOf(0))])], [35]],
  [
    "a get of what was there",
    [put(1, 30, 31), get(2, 32, 50, bytesOf(1))],
    [life([told(1, 40), told(2, 41)])],
  ],
];

const ILLEGAL: [name: string, fault: RegExp, ...Parts][] = [
  ["what nobody sent", /nobody sent/, [], [life([told(1, 40)])]],
  ["what was not done", /was not done/, [put(1, 30, 31, { outcome: "not done" })], [life([told(1, 40)])]],
  ["what was not begun", /was not done/, [put(1, 50, 51)], [life([told(1, 40)])]],
  ["what was over before it was asked for", /was over before/, [put(1, 5, 8)], [life([told(1, 40)])]],
  ["another's", /as 16 bytes at 0/, [put(1, 30, 31)], [life([told(1, 40, { source: "b" })])]],
  ["another place", /as 16 bytes at 8/, [put(1, 30, 31)], [life([told(1, 40, { at: 8 })])]],
  ["other bytes", /as 8 bytes at 0/, [put(1, 30, 31)], [life([told(1, 40, { length: 8 })])]],
  [
    "what its filter leaves out",
    /does not ask for/,
    [put(1, 30, 31)],
    [life([told(1, 40)], { source: "b" })],
  ],
  ["twice", /told twice/, [put(1, 30, 31)], [life([told(1, 40), told(1, 41)])]],
  ["a loss", /has not told of put 1/, [put(1, 30, 31), put(2, 32, 33)], [life([told(2, 40)])]],
  [
    "a loss of another's",
    /has not told of put 1/,
    [put(1, 30, 31, { source: "b" }), put(2, 32, 33)],
    [life([told(2, 40)])],
  ],
  [
    "another order than that of answers",
    /put 1 .* behind put 2/,
    [put(1, 30, 31, { source: "b" }), put(2, 32, 33)],
    [life([told(2, 40), told(1, 41, { source: "b" })])],
  ],
  [
    "another order than a window's",
    /put 1 .* behind put 2/,
    [put(1, 30, 35), put(2, 31, 34)],
    [life([told(2, 40), told(1, 41)])],
  ],
  [
    "another order than a window's, of what nobody knows the end of",
    /put 1 .* behind put 2/,
    [unknown(1, 30), put(2, 32, 33)],
    [life([told(2, 40), told(1, 41)])],
  ],
  [
    "more answered than there is room for",
    /room for 2, and at 40 5 were/,
    [1, 2, 3, 4, 5].map((number) => put(number, 30 + number, 40)).concat(put(6, 50, 51)),
    [life([1, 2, 3, 4, 5, 6].map((number) => told(number, 60 + number)))],
  ],
  [
    "more answered than there is room for, at home and on a board",
    /room for 2, and at 40 7 were/,
    [1, 2, 3, 4, 5, 6, 7].map((number) => put(number, 30 + number, 40)).concat(put(8, 50, 51)),
    [
      life(
        [1, 2, 3, 4, 5, 6, 7, 8].map((number) => told(number, 60 + number)),
        { ring: 1 },
      ),
    ],
  ],
  [
    "bytes that were there before",
    /put 2 .* which is older/,
    [put(1, 22, 23), put(2, 32, 33)],
    [life([told(1, 30), found(2, 40, bytesOf(1))])],
  ],
  ["zeros", /found 0 at 0/, [put(1, 30, 31)], [life([found(1, 40, new Uint8Array(LENGTH))])]],
  [
    "the end of bytes that were there before",
    /found 0 at 15/,
    [put(1, 30, 31)],
    [life([found(1, 40, bytesOf(1).fill(0, LENGTH - 1))])],
  ],
  [
    "older bytes, power was lost later",
    /which is older/,
    [put(1, 30, 31)],
    [life([found(1, 40, bytesOf(0))])],
    [45],
  ],
  [
    "a get of what was put when it had been told",
    /get 1 .* has read/,
    [get(1, 30, 60, bytesOf(2)), put(2, 45, 50)],
    [life([told(1, 40)])],
  ],
];

describe("notifications and what queues tell", () => {
  for (const [name, attempts, lives, losses = []] of LEGAL)
    it(`allows: ${name}`, () => assert.equal(checkNotifications({ attempts, lives, losses }), undefined));
  for (const [name, fault, attempts, lives, losses = []] of ILLEGAL) {
    it(`refuses: ${name}`, () => assert.match(checkNotifications({ attempts, lives, losses }) ?? "", fault));
  }
});
