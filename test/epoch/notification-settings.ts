import type { NotificationLimits } from "../../src/epoch/notification-limits.ts";
import { ANY, type QueueClaim } from "../../src/epoch/notification-queue.ts";
import type { Exploration } from "./notification-explorer.ts";
import type { Access, Setting } from "./notification-run.ts";

/** So few that all of them are reached. */
const FEW: NotificationLimits = {
  sessionQueuesMax: 3,
  regionQueuesMax: 3,
  queuesMax: 4,
  queueEntriesMax: 4,
  sessionEntriesMax: 6,
  entriesMax: 8,
  sessionWaitsMax: 3,
  waitsMax: 4,
  sessionNextsMax: 2,
  nextsMax: 3,
  answerEntriesMax: 2,
  countMax: 5,
};

const REGION = "5.0";
const CONSUMER = 2;

const ALL = { region: REGION, source: ANY, tag: ANY, kind: "list", handle: 1 } as const;
const FIRST: QueueClaim = { ...ALL, session: CONSUMER, id: 1, at: 1000, end: 2000, capacity: 1 };
/** Shares one byte with the first. */
const SECOND: QueueClaim = { ...ALL, session: CONSUMER, id: 2, at: 1999, end: 3000, capacity: 2 };

const IN_FIRST: Access = { region: REGION, edge: "ends", at: 1999, tag: 7 };
const IN_BOTH: Access = { region: REGION, edge: "ends", at: 2000, tag: 7 };
const IN_SECOND: Access = { region: REGION, edge: "begins", at: 2000, tag: 7 };
const IN_NEITHER: readonly Access[] = [
  { region: REGION, edge: "ends", at: 1000, tag: 7 },
  { region: REGION, edge: "begins", at: 3000, tag: 7 },
  { region: "6.0", edge: "begins", at: 1500, tag: 7 },
];

const TWO_PRODUCERS = {
  limits: { ...FEW, sessionWaitsMax: 4, waitsMax: 7 },
  producers: [0, 1],
  entriesMax: [1, 64],
} as const;

/** With 2 there is some ten times as much to be seen where there are several queues, in most of a minute. */
const WAITS = Number(process.env.DIDAFS_NOTIFICATION_WAITS ?? 1);

/** Two producers, one consumer, one crash, in the order of how much there is to be seen. */
export const CASES: Readonly<Record<string, Omit<Exploration, "table">>> = {
  "one queue with room for one": {
    ...TWO_PRODUCERS,
    claims: [FIRST],
    accesses: [IN_FIRST],
    waitsPerProducer: 4,
    nextsPerQueue: 3,
    waitTicks: [1, 2],
    reopens: true,
  },
  "one queue with room for two": {
    ...TWO_PRODUCERS,
    claims: [{ ...FIRST, capacity: 2 }],
    accesses: [IN_FIRST],
    waitsPerProducer: 4,
    nextsPerQueue: 3,
    waitTicks: [1, 2],
    reopens: true,
  },
  "queues that let in what the other one does not, and one that counts": {
    ...TWO_PRODUCERS,
    claims: [
      { ...FIRST, source: 0 },
      { ...FIRST, id: 2, tag: 7, capacity: 2 },
      { ...FIRST, id: 3, kind: "count", capacity: 0, tag: 8 },
    ],
    accesses: [IN_FIRST, { ...IN_FIRST, tag: 8 }],
    waitsPerProducer: WAITS,
    nextsPerQueue: 1,
    waitTicks: [1],
    reopens: false,
  },
  "two queues that share a byte": {
    ...TWO_PRODUCERS,
    claims: [FIRST, SECOND],
    accesses: [IN_FIRST, IN_BOTH, IN_SECOND, ...IN_NEITHER],
    waitsPerProducer: WAITS,
    nextsPerQueue: 1,
    waitTicks: [1],
    reopens: true,
  },
};

/** Queues of several sessions on two regions, also of those who notify; more than there may be. */
export const MANY: Setting = {
  limits: FEW,
  producers: [0, 1, 2, 3],
  claims: [
    FIRST,
    SECOND,
    { ...FIRST, id: 3, handle: 2, kind: "count", capacity: 0, end: 5000 },
    { ...SECOND, id: 4, source: 1, capacity: 4, end: 2 ** 40 },
    { ...FIRST, session: 0, tag: 8, capacity: 3 },
    { ...FIRST, session: 0, id: 2, region: "6.0", source: 0, tag: 7 },
    { ...SECOND, session: 1, id: 1, handle: 2, capacity: 2 },
    { ...FIRST, session: 3, id: 9, region: "6.0", kind: "count", capacity: 0, source: 1 },
    { ...FIRST, session: 3, id: 8, region: "6.0", capacity: 5 },
    { ...FIRST, session: 3, id: 7, region: "6.0", capacity: 4, at: 0, end: 2 ** 40 },
  ],
  accesses: [
    IN_FIRST,
    IN_BOTH,
    IN_SECOND,
    ...IN_NEITHER,
    { ...IN_BOTH, tag: 8 },
    { ...IN_FIRST, region: "6.0", tag: 0xffff_ffff },
    { ...IN_SECOND, at: 2 ** 39 },
  ],
};
