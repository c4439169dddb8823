import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as queue from "../../src/structs/sync-queue.ts";

const { SYNC_QUEUE_CAPACITY: CAPACITY, SYNC_NAMES } = queue;

test("golden words: one submission and one completion of producer 1", () => {
  const words = new Int32Array(queue.syncAreaBytes(2) / 4);
  const at = queue.syncQueueAt(1);
  assert.equal(words.length, 16 + 2 * (64 + 4 * 256));
  assert.equal(at, 16 + 64 + 4 * 256);
  queue.fillSubmission(words, at, 0xfeedbeef, SYNC_NAMES);
  queue.publishSubmission(words, at);
  queue.ringDoorbell(words);
  queue.releaseSubmission(words, at);
  queue.fillCompletion(words, at, 0xfeedbeef, 5);
  queue.publishCompletion(words, at);
  const set = new Map([...words.entries()].filter(([, value]) => value !== 0));
  assert.deepEqual(
    set,
    new Map([
      [0, 1],
      [at, 1],
      [at + 16, 1],
      [at + 32, 1],
      [at + 64, 0xfeedbeef | 0],
      [at + 65, -1],
      [at + 576, 0xfeedbeef | 0],
      [at + 577, 5],
    ]),
  );
  assert.equal(queue.syncQueueCount(queue.syncAreaBytes(2)), 2);
});

/**
 * One party's program as named steps. Every interleaving of the two programs is what some choice of "who goes next"
 * gives, because a step touches the shared words at most once in a way that the other party can see.
 */
function parties(words: Int32Array, at: number, requestCount: number) {
  const collected: [ticket: number, errno: number][] = [];
  const served: [ticket: number, descriptor: number][] = [];
  function* producer(): Generator<undefined> {
    for (let ticket = 0; collected.length < requestCount; ) {
      if (ticket < requestCount && queue.canSubmit(words, at)) {
        queue.fillSubmission(words, at, ticket, ticket * 3);
        yield;
        queue.publishSubmission(words, at);
        ticket += 1;
        yield;
        queue.ringDoorbell(words);
      }
      yield;
      const entry = queue.nextCompletion(words, at);
      if (entry >= 0) {
        yield;
        collected.push([queue.entryTicket(words, entry), queue.completionErrno(words, entry)]);
        yield;
        queue.releaseCompletion(words, at);
      }
      yield;
    }
  }
  function* syncThread(): Generator<undefined> {
    while (served.length < requestCount) {
      const entry = queue.nextSubmission(words, at);
      if (entry >= 0) {
        yield;
        const ticket = queue.entryTicket(words, entry);
        served.push([ticket, queue.submissionDescriptor(words, entry)]);
        yield;
        queue.releaseSubmission(words, at);
        yield;
        queue.fillCompletion(words, at, ticket, ticket * 7);
        yield;
        queue.publishCompletion(words, at);
      }
      yield;
    }
  }
  return { producer: producer(), syncThread: syncThread(), collected, served };
}

function check(run: ReturnType<typeof parties>, requestCount: number): void {
  const tickets = Array.from({ length: requestCount }, (_, i) => i);
  assert.deepEqual(
    run.served,
    tickets.map((ticket) => [ticket, ticket * 3]),
  );
  assert.deepEqual(
    run.collected,
    tickets.map((ticket) => [ticket, ticket * 7]),
  );
}

test("exhaustively: the sync thread runs whole between any two steps of the producer", () => {
  // Run the producer for k steps, then the sync thread for m, then both to their end.
  for (let k = 0; k < 24; k += 1) {
    for (let m = 0; m < 24; m += 1) {
      const words = new Int32Array(queue.syncAreaBytes(1) / 4);
      const run = parties(words, queue.syncQueueAt(0), 3);
      for (let i = 0; i < k; i += 1) run.producer.next();
      for (let i = 0; i < m; i += 1) run.syncThread.next();
      for (let guard = 0; ; guard += 1) {
        assert.ok(guard < 1000, "both come to an end");
        const [a, b] = [run.producer.next().done, run.syncThread.next().done];
        if (a && b) break;
      }
      check(run, 3);
    }
  }
});

test("any interleaving, across the wrap of the ring and of the counts", () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.boolean()), fc.integer({ min: 1, max: 700 }), (who, requestCount) => {
      const words = new Int32Array(queue.syncAreaBytes(1) / 4);
      const at = queue.syncQueueAt(0);
      // All four counts start just before they wrap.
      for (const count of [0, 16, 32, 48]) words[at + count] = 0x7fff_fff0;
      const run = parties(words, at, requestCount);
      let done = 0;
      for (const first of who) {
        const party = first ? run.producer : run.syncThread;
        const other = first ? run.syncThread : run.producer;
        const burst = 1 + (done % 7);
        for (let i = 0; i < burst; i += 1) if (party.next().done && other.next().done) done = -1;
        if (done === -1) break;
        done += 1;
      }
      check(run, requestCount);
    }),
    { numRuns: 30 },
  );
});

test("a published request is always followed by a ring that the sleeper has not seen", () => {
  // The sleeper reads the doorbell, finds nothing, and sleeps only if the doorbell has not moved. For each point at
  // which the producer may stand while the sleeper decides, either the request is found, or a ring is still to come.
  for (let stepsBefore = 0; stepsBefore <= 3; stepsBefore += 1) {
    const words = new Int32Array(queue.syncAreaBytes(1) / 4);
    const at = queue.syncQueueAt(0);
    const steps = [
      () => queue.fillSubmission(words, at, 1, 4),
      () => queue.publishSubmission(words, at),
      () => queue.ringDoorbell(words),
    ];
    const seen = queue.doorbell(words);
    for (const step of steps.slice(0, stepsBefore)) step();
    const found = queue.nextSubmission(words, at) >= 0;
    for (const step of steps.slice(stepsBefore)) step();
    assert.ok(found || queue.doorbell(words) !== seen);
  }
});

test("a producer with `capacity` requests under way must collect before it submits", () => {
  const words = new Int32Array(queue.syncAreaBytes(1) / 4);
  const at = queue.syncQueueAt(0);
  for (let i = 0; i < CAPACITY; i += 1) {
    assert.ok(queue.canSubmit(words, at));
    queue.fillSubmission(words, at, i, i);
    queue.publishSubmission(words, at);
  }
  assert.equal(queue.canSubmit(words, at), false);
  queue.releaseSubmission(words, at);
  assert.equal(queue.canSubmit(words, at), false, "taken is not collected: its completion still needs room");
  queue.fillCompletion(words, at, 0, 0);
  queue.publishCompletion(words, at);
  assert.equal(queue.canSubmit(words, at), false);
  queue.releaseCompletion(words, at);
  assert.ok(queue.canSubmit(words, at));
});

test("awaitDoorbell sleeps only while the doorbell is as it was", () => {
  const words = new Int32Array(new SharedArrayBuffer(queue.syncAreaBytes(1)));
  const seen = queue.doorbell(words);
  queue.ringDoorbell(words);
  queue.awaitDoorbell(words, seen, 60_000);
});
