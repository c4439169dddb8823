/** Counting on a data-plane worker. The layout, and who may read it: structs/worker-counters.ts. */
import {
  COUNTER,
  COUNTER_NAMES,
  type CounterName,
  countOpcode,
  countRefusal,
  createWorkerCounters,
  HEAT_COLUMN,
} from "../structs/worker-counters.ts";
import { OPCODE } from "../wire/header.ts";

export { COUNTER };

/** Counters of one worker that nobody but its own process reads. */
export const createCounters: () => Float64Array<SharedArrayBuffer> = createWorkerCounters;

/** Counts a command that was carried out. @param heat of its region, see heatAt() */
export function countCommand(words: Float64Array, heat: number, opcode: number, length: number): void {
  countOpcode(words, opcode);
  switch (opcode) {
    case OPCODE.GET:
    case OPCODE.EPOCH_GET:
    case OPCODE.GET_NOTIFY:
      add(words, heat + HEAT_COLUMN.gets, 1);
      add(words, heat + HEAT_COLUMN.gotBytes, length);
      return;
    case OPCODE.PUT:
    case OPCODE.ACCUMULATE:
    case OPCODE.PUT_NOTIFY:
      countPut(words, heat, length);
      return;
    case OPCODE.FLUSH:
      add(words, heat + HEAT_COLUMN.flushes, 1);
      return;
    case OPCODE.LOCK:
    case OPCODE.UNLOCK:
    case OPCODE.QUEUE_OPEN:
    case OPCODE.QUEUE_CLOSE:
    case OPCODE.NOTIFY_NEXT:
    case OPCODE.WORD_WAIT:
    case OPCODE.WORDS_TOUCHED:
    // Its writes are counted when they are put in place: they may be to many regions.
    case OPCODE.EPOCH:
    // Groups have no region.
    case OPCODE.GROUP_JOIN:
    case OPCODE.GROUP_BARRIER:
    case OPCODE.GROUP_LEAVE:
      return;
    default:
      add(words, heat + HEAT_COLUMN.atomics, 1);
  }
}

/** Counts bytes that were put into a region. */
export function countPut(words: Float64Array, heat: number, length: number): void {
  add(words, heat + HEAT_COLUMN.puts, 1);
  add(words, heat + HEAT_COLUMN.putBytes, length);
}

/** Counts one more of what is counted there. */
export function countOne(words: Float64Array, counter: number): void {
  add(words, counter, 1);
}

/** Counts a command that was refused. */
export function countRefused(words: Float64Array, opcode: number, status: number): void {
  add(words, COUNTER.refused, 1);
  countOpcode(words, opcode);
  countRefusal(words, status);
}

function add(words: Float64Array, at: number, count: number): void {
  words[at] = (words[at] as number) + count;
}

/** The sums over all workers, by name. */
export function sumCounters(workers: readonly Float64Array[]): Record<CounterName, number> {
  const sums = {} as Record<CounterName, number>;
  for (const name of COUNTER_NAMES) {
    sums[name] = workers.reduce((sum, counters) => sum + (counters[COUNTER[name]] as number), 0);
  }
  return sums;
}
