import type { Notifying, NotifyingOutput } from "../checkers/notification-history.ts";
import type { WordInput, WordOutput } from "../checkers/words.ts";
import { History, Sequence } from "../history.ts";
import type { SimRandom } from "../random.ts";
import { type Book, type BookedFile, CELL_BYTES, type NoticeSlot, STRIPE_BYTES } from "../workloads/book.ts";
import type { FilePlan, RunOptions } from "./options.ts";

const UNITS_PER_TARGET = 2;
const WORDS = 7;
const LOCK_WORDS = 3;
const WAIT_WORDS = 2;
/** Of a slot that lies on both sides of the end of a stripe unit. */
const NOTICE_EDGE_BYTES = 200;

/** Draws where the words and cells lie that clients will work on. */
export function planBook(
  { work, shape }: RunOptions,
  random: SimRandom,
  ports: Pick<Book, "note" | "fail">,
): Book {
  const sequence = new Sequence();
  const file = (path: string, plan: FilePlan): BookedFile => ({
    path,
    plan,
    byteLength: plan.targets * UNITS_PER_TARGET * STRIPE_BYTES,
    layout: undefined,
    accesses: [],
    revocations: [],
  });
  return {
    ...ports,
    sequence,
    random,
    wordFiles: work.wordFiles.map((plan, number) => ({
      ...file(`/words-${number}`, plan),
      places: Array.from({ length: WORDS }, (_, word) => placeOf(word, plan)),
      words: Array.from({ length: WORDS }, () => new History(sequence, ports.note)),
      nextValue: 1,
    })),
    cellFiles: work.cellFiles.map((plan, number) => ({
      ...file(`/cells-${number}`, plan),
      writer: random.between(0, shape.clients.length - 1),
      cells: Array.from({ length: (plan.targets * UNITS_PER_TARGET * STRIPE_BYTES) / CELL_BYTES }, () => []),
      nextStamp: 1,
    })),
    lockFiles: work.lockFiles.map((plan, number) => ({
      ...file(`/locks-${number}`, plan),
      places: Array.from({ length: LOCK_WORDS }, (_, word) => placeOf(word, plan)),
      believers: new Set(),
      sections: Array.from({ length: LOCK_WORDS }, () => []),
      losses: new Map(),
      nextValue: 1,
    })),
    epochFiles: work.epochFiles.map((plan, number) => {
      const places = Array.from({ length: plan.targets * UNITS_PER_TARGET }, (_, word) =>
        placeOf(word, plan),
      );
      const words = places.map(() => new History<WordInput, WordOutput>(sequence, ports.note));
      const seen = { words, epochs: [], bodies: [], unstable: new Set<number>() };
      return { ...file(`/epochs-${number}`, plan), plan, places, ...seen, nextValue: 1 };
    }),
    directories: Array.from({ length: work.directories }, (_, number) => ({
      path: `/names-${number}`,
      history: new History(sequence, ports.note),
    })),
    waitFiles: work.waitFiles.map((plan, number) => ({
      ...file(`/waits-${number}`, plan),
      places: Array.from({ length: WAIT_WORDS }, (_, word) => placeOf(word, plan)),
      words: Array.from(
        { length: WAIT_WORDS },
        () => new History<WordInput, WordOutput>(sequence, ports.note),
      ),
      nextValue: 1,
      players: shape.clients.length,
    })),
    noticeFiles: work.noticeFiles.map((plan, number) => ({
      ...file(`/notices-${number}`, plan),
      slots: noticeSlots(plan, shape.clients.length),
      attempts: new History<Notifying, NotifyingOutput>(sequence),
      lives: [],
      losses: [],
      sources: new Set<string>(),
      nextNumber: 1,
    })),
    revokesPerMinute: work.revokes,
    pauseMs: work.pauseMs,
    ending: false,
    proven: new Set(),
    onFlushed: () => {},
  };
}

/** In turn at the beginning, in the middle and at the end of stripe units. */
function placeOf(word: number, { targets }: FilePlan): number {
  const unit = word % (targets * UNITS_PER_TARGET);
  const within = [0, STRIPE_BYTES - 8, 512, 520, 1024 - 8][word % 5] as number;
  return unit * STRIPE_BYTES + within;
}

/** Two for each client in each stripe unit, and one over the end of each unit, for the clients in turn. */
function noticeSlots({ targets }: FilePlan, clients: number): NoticeSlot[] {
  const units = targets * UNITS_PER_TARGET;
  const slots: NoticeSlot[] = [];
  const length = Math.floor((STRIPE_BYTES - NOTICE_EDGE_BYTES) / (2 * clients));
  for (let unit = 0; unit < units; unit += 1) {
    const at = unit * STRIPE_BYTES + NOTICE_EDGE_BYTES / 2;
    for (let place = 0; place < 2 * clients; place += 1)
      slots.push({ client: place >> 1, at: at + place * length, length });
    const end = (unit + 1) * STRIPE_BYTES;
    if (unit + 1 < units)
      slots.push({
        client: unit % clients,
        at: end - NOTICE_EDGE_BYTES / 2,
        length: NOTICE_EDGE_BYTES,
      });
  }
  return slots;
}
