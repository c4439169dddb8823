import { READABLE, WRITABLE } from "../../src/ports/poller.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { createPoller } from "../../src/system/poller.ts";
import { Transfer } from "../../src/transport/transfer.ts";
import { OPCODE } from "../../src/wire/header.ts";
import type { LeanSession } from "./lean-sessions.ts";

/** Times that are kept of one run: of what comes later only the number. */
const SAMPLES_MAX = 1 << 20;
/** Longest wait for answers; a target that says nothing for that long has failed. */
const SILENCE_MS = 5000;
const WAIT_MS = 100;
/** How long it polls without an answer before it waits in the kernel. */
const SPIN_MS = 0.3;

export interface GetLoad {
  readonly samplesNs: Float64Array;
  readonly operations: number;
  readonly tookMs: number;
}

/** What each transfer of each session reads; all of them are compared once the time is up. */
interface Reader {
  readonly transfer: Transfer;
  readonly bytes: Uint8Array;
  startMs: number;
}

/**
 * Has `depth` gets under way on each of the sessions for a time, each followed by the next at once.
 * @param expected the file's bytes, `size` at a time
 * @throws when a get fails or reads something else
 */
export function runGets(
  sessions: readonly LeanSession[],
  depth: number,
  size: number,
  forMs: number,
  expected: Uint8Array,
): GetLoad {
  const poller = createPoller();
  const samplesNs = new Float64Array(SAMPLES_MAX);
  let operations = 0;
  let underWay = 0;
  let nowMs = performance.now();
  // What is measured begins once as many have been answered as were begun together: the rate of a crowd that begins is another.
  let firstLeft = sessions.length * depth;
  let [fromMs, endMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let countedMs = forMs;
  const isMeasuring = (): boolean => nowMs < endMs || operations === 0;
  const issue = (session: LeanSession, reader: Reader, offset: number): void => {
    const { transfer, bytes } = reader;
    transfer.reset(OPCODE.GET, 0, offset, size).lend(bytes, 0);
    transfer.binding = session.binding;
    if (size > 8) transfer.address = systemMemory.addressOf(bytes);
    reader.startMs = nowMs;
    underWay += 1;
    transfer.onSettled = () => {
      underWay -= 1;
      if (transfer.status !== 0 || transfer.lost)
        throw new Error(`a get failed with status ${transfer.status}`);
      nowMs = performance.now();
      if (firstLeft > 0) {
        firstLeft -= 1;
        if (firstLeft === 0) [fromMs, endMs] = [nowMs, nowMs + forMs];
      } else if (isMeasuring()) {
        if (operations < SAMPLES_MAX) samplesNs[operations] = (nowMs - reader.startMs) * 1e6;
        operations += 1;
        countedMs = Math.max(forMs, nowMs - fromMs);
      }
      // First and last byte of each; the pattern differs in every word.
      if (bytes[0] !== expected[offset] || bytes[size - 1] !== expected[offset + size - 1]) {
        throw new Error(`a get at ${offset} read something else`);
      }
      if (isMeasuring()) issue(session, reader, (offset + size) % expected.byteLength);
    };
    session.connection.submit(transfer);
  };
  const writable = new Set<number>();
  const watch = (token: number): void => {
    const { connection } = sessions[token] as LeanSession;
    if (connection.sending) writable.add(token);
    else writable.delete(token);
    poller.watch(connection.stream, connection.sending ? READABLE | WRITABLE : READABLE, token);
  };
  for (const [token, session] of sessions.entries()) {
    for (let i = 0; i < depth; i++) {
      const reader = { transfer: new Transfer(), bytes: new Uint8Array(size), startMs: 0 };
      issue(session, reader, ((token * depth + i) * size) % expected.byteLength);
    }
    session.connection.poll();
    watch(token);
  }
  let heardMs = nowMs;
  while (underWay > 0) {
    const count = poller.wait(nowMs < heardMs + SPIN_MS ? 0 : WAIT_MS);
    nowMs = performance.now();
    if (count > 0) heardMs = nowMs;
    else if (nowMs - heardMs > SILENCE_MS) throw new Error("the target answers nothing any more");
    for (let i = 0; i < count; i++) {
      const token = poller.ready[i] as number;
      const { connection } = sessions[token] as LeanSession;
      connection.poll();
      // What the answers were followed by leaves now.
      if (connection.sending) connection.poll();
      if (connection.sending !== writable.has(token)) watch(token);
    }
  }
  poller.close();
  return {
    samplesNs: samplesNs.subarray(0, Math.min(operations, SAMPLES_MAX)),
    operations,
    tookMs: countedMs,
  };
}
