/** Notice boards on a worker: what it says there, and what it makes of what others put there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { statusOf } from "../../src/std/errors.ts";
import {
  BOARD_BYTES,
  BOARD_LANES,
  BOARD_QUEUES,
  boardGeneration,
  boardQueue,
  boardVersion,
  hasUntaken,
  isAsleep,
  laneSerial,
  laneSource,
  otherQueues,
  publishNotice,
  RING_SLOTS,
  setTakenCount,
  takenCount,
  takeStamp,
  toldByWorker,
} from "../../src/structs/notice-board.ts";
import { REGION_HEADER_BYTES } from "../../src/structs/region-header.ts";
import type { FromWorker } from "../../src/target/messages.ts";
import { NoticeWriter, WORKER } from "../../src/transport/notice-writer.ts";
import { OPCODE } from "../../src/wire/header.ts";
import {
  decodeNotice,
  encodeQueue,
  NOTICE_BYTES,
  type Notice,
  type QueueRequest,
} from "../../src/wire/notifications.ts";
import { NOTIFY_PLACED } from "../../src/wire/ops.ts";
import {
  type Answer,
  command,
  type RawClient,
  READ_ONLY,
  READ_WRITE,
  WorkerFixture,
} from "./worker-fixture.ts";

const BYTES = 200_000;
const INODE = 5;
const REGION = { inode: INODE, index: 0 } as const;
const GENERATION = 77;
const SOURCE = "0123456789abcdef".repeat(4);
const WAIT_MS = 60_000;
/** The windows begin there in the region. */
const BASE = 4096;

type Status = { readonly status: number };

/** A worker with a region, which two sessions have bound: one reads queues, the other notifies. */
class BoardFixture {
  readonly fixture = new WorkerFixture();
  readonly bytes: Uint8Array;
  readonly header: Int32Array;
  readonly board: Int32Array<ArrayBuffer>;
  readonly boardBytes: Uint8Array;
  readonly descriptor: number;
  readonly reader: RawClient;
  readonly sender: RawClient;
  givesLanes = true;

  constructor(readerRights = READ_WRITE) {
    const { memory } = this.fixture;
    const { descriptor, bytes } = this.fixture.createRegion(INODE, BYTES);
    this.bytes = bytes;
    const region = { inode: INODE, descriptor, byteLength: BYTES };
    const enter = (session: number, rights: number): RawClient => {
      const token = this.fixture.openSession(session);
      const range = { at: BASE, byteLength: BYTES - BASE };
      assert.equal(this.fixture.bind(session, 1, region, range, rights), 0);
      return this.fixture.enter(session, token, "unix");
    };
    this.reader = enter(1, readerRights);
    this.sender = enter(2, READ_WRITE);
    this.header = memory.map(descriptor, 0, REGION_HEADER_BYTES, true).i32;
    this.descriptor = memory.newDescriptor();
    memory.share(this.descriptor, BOARD_BYTES);
    const mapped = memory.map(this.descriptor, 0, BOARD_BYTES, true);
    this.board = mapped.i32;
    this.boardBytes = mapped.u8;
  }

  #status(type: FromWorker["type"], answer: FromWorker | undefined): number {
    assert.equal(answer?.type, type);
    return (answer as FromWorker & Status).status;
  }

  share(
    region: { readonly inode: number; readonly index: number } = REGION,
    generation = GENERATION,
  ): number {
    const order = { type: "board-share", ...region, descriptor: this.descriptor, generation } as const;
    const status = this.#status("board-shared", this.fixture.order(order));
    // Who has no lane has no queue there.
    if (status === 0 && this.givesLanes)
      for (const session of [1, 2]) assert.equal(this.giveLane(10 + session, { session }), 0);
    return status;
  }

  giveLane(lane: number, { source = SOURCE, session = 1, handle = 1 } = {}): number {
    return this.#status(
      "board-lane-given",
      this.fixture.order({ type: "board-lane", ...REGION, lane, session, handle, source }),
    );
  }

  open(request: Partial<QueueRequest> = {}, client = this.reader, handle = 1): Answer {
    const any = { at: 0, length: 1000, number: 1, capacity: 4, tag: undefined, source: undefined };
    const payload = encodeQueue({ ...any, onBoard: true, ...request });
    return client.call({ opcode: OPCODE.QUEUE_OPEN, tag: 1, handle, length: payload.length, payload });
  }

  /** The place that a queue gets. */
  openAt(request: Partial<QueueRequest> = {}): number {
    const { status, value } = this.open(request);
    assert.equal(status, 0);
    return Number(value) - 1;
  }

  close(number = 1): void {
    assert.equal(this.reader.call({ opcode: OPCODE.QUEUE_CLOSE, operand: BigInt(number) }).value, 1n);
  }

  put(tag: number, offset = 0, more: { readonly flags?: number; readonly length?: number } = {}): void {
    const fields = { opcode: OPCODE.PUT_NOTIFY, tag, handle: 1, offset, notification: tag };
    this.sender.send(command({ ...fields, ...more }));
  }

  /** Puts what is answered at once. */
  putNow(tag: number, offset = 0): void {
    this.put(tag, offset);
    assert.deepEqual([this.sender.answer().tag, this.fixture.count("notificationsWaiting")], [tag, 0]);
  }

  sendNext(tag: number, waitMs = WAIT_MS, number = 1): void {
    const fields = { opcode: OPCODE.NOTIFY_NEXT, tag, length: 64 * NOTICE_BYTES };
    this.reader.send(command({ ...fields, operand: BigInt(number), compare: BigInt(waitMs) }));
  }

  next(waitMs = 0, number = 1): Notice[] {
    this.sendNext(7, waitMs, number);
    return noticesOf(this.reader.answer());
  }

  touch(): void {
    const touched = { opcode: OPCODE.WORDS_TOUCHED, handle: 1, length: 0 };
    assert.equal(this.sender.call(touched).status, 0);
  }

  /** As a producer that has the board mapped. */
  publish(queue: number, lane: number, number: number): void {
    publishNotice(this.board, queue, lane, number, takeStamp(this.board), BASE, 0, 8, 1);
  }

  sleeps(): boolean {
    this.fixture.step(20);
    this.reader.receive();
    return this.reader.tryAnswer() === undefined;
  }

  /** Which queues the board has, between two changes. */
  get queues() {
    assert.equal(boardVersion(this.board) % 2, 0);
    return Array.from({ length: BOARD_QUEUES }, (_, queue) => boardQueue(this.board, queue));
  }

  get openPlaces(): number[] {
    return [...this.queues.entries()].filter(([, queue]) => queue !== undefined).map(([place]) => place);
  }
}

function noticesOf({ status, value, payload }: Answer): Notice[] {
  assert.equal(status, 0);
  assert.equal(BigInt(payload.length), value * BigInt(NOTICE_BYTES));
  return Array.from({ length: Number(value) }, (_, place) => decodeNotice(payload, place));
}

function shared(readerRights = READ_WRITE): BoardFixture {
  const fixture = new BoardFixture(readerRights);
  assert.equal(fixture.share(), 0);
  return fixture;
}

test("a board is announced in the region's header, and no more once the region goes", () => {
  const one = new BoardFixture();
  assert.equal(boardGeneration(one.header), 0);
  assert.equal(one.share(), 0);
  assert.equal(boardGeneration(one.header), GENERATION);
  const { fixture } = one;
  for (const session of [1, 2]) fixture.order({ type: "session-close", session });
  const { free } = fixture.memory;
  let freed = 0;
  fixture.memory.free = (memory) => {
    if (memory.u8.byteLength === BOARD_BYTES) freed += 1;
    free.call(fixture.memory, memory);
  };
  assert.equal(fixture.order({ type: "unmap", ...REGION })?.type, "unmapped");
  assert.deepEqual([boardGeneration(one.header), freed], [0, 1]);
});

test("a worker that ends announces no board any more", () => {
  const one = shared();
  one.fixture.orders.post({ type: "stop" });
  one.fixture.plane.close();
  assert.equal(boardGeneration(one.header), 0);
});

test("a region that is not mapped, that has a board, or memory that cannot be mapped is refused", () => {
  const one = new BoardFixture();
  assert.equal(one.share({ inode: 99, index: 0 }), statusOf("ERR_BAD_HANDLE"));
  const order = { type: "board-share", ...REGION, descriptor: 12_345, generation: 3 } as const;
  const refused = one.fixture.order(order) as FromWorker & Status;
  assert.equal(refused.status, statusOf("ERR_IO"));
  assert.equal(boardGeneration(one.header), 0);
  assert.equal(one.giveLane(0), statusOf("ERR_BAD_HANDLE"));
  assert.equal(one.share(), 0);
  assert.equal(one.share(REGION, GENERATION + 1), statusOf("ERR_INVALID_ARGUMENT"));
  assert.equal(boardGeneration(one.header), GENERATION);
});

test("a queue is on the board when its opening is answered, in bytes of the region, and the next one beside it", () => {
  const one = shared();
  const before = boardVersion(one.board);
  assert.equal(one.openAt({ at: 10, length: 20 }), 0);
  assert.equal(one.openAt({ at: 0, length: 5, tag: 0xffff_ffff, number: 2 }), 1);
  assert.deepEqual(one.queues.slice(0, 3), [
    { at: BASE + 10, end: BASE + 30, tag: undefined, room: 4 },
    { at: BASE, end: BASE + 5, tag: 0xffff_ffff, room: 4 },
    undefined,
  ]);
  assert.equal(boardVersion(one.board), before + 4);
  assert.equal(otherQueues(one.board), 0);
});

test("the version changes before an opening is answered, also of a queue that is not on the board", () => {
  const one = shared();
  const requests: readonly Partial<QueueRequest>[] = [{}, { onBoard: false }];
  for (const [number, request] of requests.entries()) {
    const before = boardVersion(one.board);
    const payload = encodeQueue({
      at: 0,
      length: 1,
      number,
      capacity: 1,
      tag: undefined,
      source: undefined,
      onBoard: true,
      ...request,
    });
    one.reader.send(command({ opcode: OPCODE.QUEUE_OPEN, handle: 1, length: payload.length, payload }));
    assert.equal(boardVersion(one.board), before);
    one.fixture.step(3);
    assert.equal(boardVersion(one.board), before + 2);
    assert.equal(one.reader.answer().status, 0);
  }
});

test("queues that are not on the board are counted, also those that were there before it", () => {
  const one = new BoardFixture();
  assert.equal(one.open({ number: 1 }).value, 0n, "there is no board yet");
  assert.equal(one.share(), 0);
  assert.equal(otherQueues(one.board), 1);
  assert.equal(one.open({ number: 2, onBoard: false, capacity: undefined }).value, 0n);
  assert.equal(one.open({ number: 3, onBoard: false, source: SOURCE }).value, 0n);
  assert.equal(one.open({ number: 4, onBoard: false }, one.sender).value, 0n);
  assert.deepEqual([otherQueues(one.board), one.openPlaces], [4, []]);
  assert.equal(one.openAt({ number: 5 }), 0);
  assert.equal(otherQueues(one.board), 4);
  one.close(2);
  assert.deepEqual([otherQueues(one.board), one.openPlaces], [3, [0]]);
  one.fixture.order({ type: "session-close", session: 2 });
  assert.equal(otherQueues(one.board), 2);
});

test("who has no lane is told by messages", () => {
  const one = new BoardFixture();
  one.givesLanes = false;
  assert.equal(one.share(), 0);
  assert.deepEqual([one.open().value, one.openPlaces, otherQueues(one.board)], [0n, [], 1]);
});

test("a board has eight queues; the ninth is told by messages", () => {
  const one = shared();
  for (let number = 0; number < BOARD_QUEUES; number += 1) assert.equal(one.openAt({ number }), number);
  assert.equal(one.openAt({ number: 100 }), -1);
  assert.equal(otherQueues(one.board), 1);
  one.close(3);
  assert.equal(one.openAt({ number: 101 }), 3);
});

test("an opening that is refused leaves the board as it was", () => {
  const one = shared();
  assert.equal(one.openAt(), 0);
  const before = one.boardBytes.slice();
  assert.equal(one.open().status, statusOf("ERR_INVALID_ARGUMENT"), "the number is taken");
  assert.equal(one.open({ number: 2, capacity: 0 }).status, statusOf("ERR_TOO_MANY"));
  assert.equal(one.open({ number: 2, length: BYTES }).status, statusOf("ERR_RANGE"));
  assert.equal(one.open({ number: 2 }, one.reader, 9).status, statusOf("ERR_BAD_HANDLE"));
  assert.deepEqual(one.boardBytes, before);
});

test("a queue leaves the board with its closing, its window and its session", () => {
  const ends: Record<string, (one: BoardFixture) => void> = {
    closed: (one) => one.close(),
    unbound: (one) => void one.fixture.order({ type: "unbind", session: 1, handle: 1, revoked: false }),
    revoked: (one) => void one.fixture.order({ type: "unbind", session: 1, handle: 1, revoked: true }),
    ended: (one) => void one.fixture.order({ type: "session-close", session: 1 }),
  };
  for (const [what, end] of Object.entries(ends)) {
    const one = shared();
    assert.equal(one.openAt(), 0);
    one.sendNext(7);
    assert.ok(one.sleeps());
    assert.ok(isAsleep(one.board, 0));
    const before = boardVersion(one.board);
    end(one);
    assert.deepEqual([one.openPlaces, isAsleep(one.board, 0)], [[], false], what);
    assert.equal(boardVersion(one.board), before + 2, what);
  }
});

test("what lies in rings when a queue begins was for another one", () => {
  const one = shared();
  assert.equal(one.openAt(), 0);
  for (let number = 0; number < 3; number += 1) one.publish(0, 2, number);
  for (let number = 0; number < RING_SLOTS; number += 1) one.publish(0, 15, number);
  setTakenCount(one.board, 0, 2, 1);
  one.close();
  assert.ok(hasUntaken(one.board, 0));
  assert.equal(one.openAt(), 0);
  assert.ok(!hasUntaken(one.board, 0));
  assert.deepEqual([takenCount(one.board, 0, 2), takenCount(one.board, 0, 15)], [3, RING_SLOTS]);
});

test("what the worker puts into a queue on the board is stamped by its clock, and counted", () => {
  const one = shared();
  assert.equal(one.openAt({ number: 1 }), 0);
  assert.equal(one.openAt({ number: 2, at: 100, length: 10 }), 1);
  for (let i = 0; i < 5; i += 1) takeStamp(one.board);
  one.putNow(11);
  takeStamp(one.board);
  one.putNow(12, 500);
  assert.deepEqual([toldByWorker(one.board, 0), toldByWorker(one.board, 1)], [2, 0]);
  const told = one.next().map(({ tag, stamp, sequence }) => [tag, stamp, sequence]);
  assert.deepEqual(told, [
    [11, 5, 0],
    [12, 7, 1],
  ]);
  assert.equal(takeStamp(one.board), 8);
});

test("what waits for room has the stamp of the moment when it is let in", () => {
  const one = shared();
  assert.equal(one.openAt({ capacity: 1 }), 0);
  one.putNow(1);
  one.put(2);
  one.fixture.step(5);
  assert.equal(toldByWorker(one.board, 0), 1, "it is not in the queue");
  for (let i = 0; i < 10; i += 1) takeStamp(one.board);
  assert.deepEqual(
    one.next().map(({ stamp }) => stamp),
    [0],
  );
  assert.equal(toldByWorker(one.board, 0), 2);
  assert.equal(one.sender.answer().tag, 2);
  assert.deepEqual(
    one.next().map(({ tag, stamp }) => [tag, stamp]),
    [[2, 11]],
  );
});

test("a queue that is on no board has no stamps, and no place in the counts", () => {
  const one = shared();
  assert.equal(one.openAt({ onBoard: false }), -1);
  one.putNow(1);
  assert.deepEqual(
    one.next().map(({ stamp }) => stamp),
    [0],
  );
  assert.deepEqual([toldByWorker(one.board, 0), takeStamp(one.board)], [0, 0]);
});

test("the board says who sleeps, until he is told of something or his time is over", () => {
  const one = shared();
  assert.equal(one.openAt({ number: 1 }), 0);
  assert.equal(one.openAt({ number: 2, at: 100, length: 10 }), 1);
  const asleep = (): boolean[] => [isAsleep(one.board, 0), isAsleep(one.board, 1)];
  one.sendNext(7, 0);
  assert.deepEqual([noticesOf(one.reader.answer()), asleep()], [[], [false, false]], "who does not wait");
  one.sendNext(8, WAIT_MS, 1);
  one.sendNext(9, WAIT_MS, 2);
  assert.ok(one.sleeps());
  assert.deepEqual(asleep(), [true, true]);
  one.putNow(1);
  assert.equal(one.reader.answer().tag, 8);
  assert.deepEqual(asleep(), [false, true]);
  one.fixture.nowMs = WAIT_MS + 1;
  assert.equal(one.reader.answer().tag, 9);
  assert.deepEqual(asleep(), [false, false]);
});

test("who comes to sleep where something lies already is told at once to look there", () => {
  const one = shared();
  assert.equal(one.openAt(), 0);
  one.publish(0, 3, 0);
  assert.deepEqual(one.next(WAIT_MS), []);
  assert.ok(!isAsleep(one.board, 0));
  setTakenCount(one.board, 0, 3, 1);
  one.sendNext(8);
  assert.ok(one.sleeps(), "it was taken");
});

test("who sleeps is told to look when somebody says that he has put something there", () => {
  const one = shared();
  assert.equal(one.openAt({ number: 1 }), 0);
  assert.equal(one.openAt({ number: 2 }), 1);
  for (const tag of [7, 8]) one.sendNext(tag);
  one.sendNext(9, WAIT_MS, 2);
  assert.ok(one.sleeps());
  one.touch();
  assert.ok(one.sleeps(), "nothing lies there");
  assert.ok(isAsleep(one.board, 0));
  one.publish(0, 0, 0);
  assert.ok(one.sleeps(), "nobody has told the worker");
  one.touch();
  const woken = [one.reader.answer(), one.reader.answer()];
  assert.deepEqual(
    woken.map(({ tag, status, value }) => [tag, status, value]),
    [
      [7, 0, 0n],
      [8, 0, 0n],
    ],
  );
  assert.ok(one.sleeps(), "the other queue's reader sleeps on");
  assert.deepEqual([isAsleep(one.board, 0), isAsleep(one.board, 1)], [false, true]);
});

test("a session that ends its waits sleeps no more", () => {
  const one = shared();
  assert.equal(one.openAt(), 0);
  one.sendNext(7);
  assert.ok(one.sleeps());
  one.reader.stream.close();
  one.fixture.step(20);
  assert.deepEqual([isAsleep(one.board, 0), one.openPlaces], [false, [0]]);
});

test("a lane has its owner's key, and another serial for each", () => {
  const one = shared();
  assert.equal(one.giveLane(4), 0);
  assert.deepEqual([laneSource(one.boardBytes, 4), laneSerial(one.board, 4)], [SOURCE, 1]);
  const other = "f".repeat(64);
  assert.equal(one.giveLane(4, { source: other }), 0);
  assert.deepEqual([laneSource(one.boardBytes, 4), laneSerial(one.board, 4)], [other, 2]);
  assert.equal(laneSerial(one.board, 5), 0);
});

test("a lane is nobody's while what its owner has put into rings of open queues was not taken", () => {
  const one = shared();
  assert.equal(one.openAt(), 0);
  one.publish(0, 4, 0);
  one.publish(1, 5, 0);
  assert.equal(one.giveLane(4), statusOf("ERR_TOO_MANY"));
  assert.equal(laneSerial(one.board, 4), 0);
  assert.equal(one.giveLane(5), 0, "that queue is not open");
  assert.equal(one.giveLane(BOARD_LANES - 1), 0);
  setTakenCount(one.board, 0, 4, 1);
  assert.equal(one.giveLane(4), 0);
});

test("while something waits for room in a queue, whoever comes is to stand behind it", () => {
  const one = shared();
  assert.equal(one.openAt({ number: 1, capacity: 1 }), 0);
  assert.equal(one.openAt({ number: 2, length: 8, capacity: 9 }), 1);
  const writer = new NoticeWriter(one.board, 12);
  assert.equal(writer.route(BASE + 100, 8, 1), 0);
  one.putNow(1);
  one.put(2);
  one.fixture.step(20);
  assert.equal(one.fixture.count("notificationsWaiting"), 1);
  // Who is told of it at the other queue must not tell the first one of more before it.
  assert.deepEqual(
    one.next(0, 2).map(({ tag }) => tag),
    [1, 2],
  );
  assert.equal(writer.route(BASE + 100, 8, 1), WORKER);
  one.next();
  assert.equal(writer.route(BASE + 100, 8, 1), 0);
});

test("an access whose bytes are in place is told, and moves none", () => {
  const one = shared();
  assert.equal(one.openAt({ length: BYTES - BASE, capacity: 8 }), 0);
  one.bytes.fill(3);
  for (const [tag, length] of [0, 8, 100, 150_000].entries()) {
    const fields = { opcode: OPCODE.PUT_NOTIFY, tag, handle: 1, offset: 8, length, notification: tag };
    const answer = one.sender.call({ ...fields, flags: NOTIFY_PLACED, operand: -1n, compare: 5n });
    assert.deepEqual([answer.tag, answer.status], [tag, 0]);
  }
  assert.ok(one.bytes.every((byte) => byte === 3));
  assert.deepEqual(
    one.next().map(({ at, length, before, tag }) => [at, length, before, tag]),
    [0, 8, 100, 150_000].map((length, tag) => [BASE + 8, length, 5, tag]),
  );
});

test("a placed access wakes who waits for a word of it, and is checked as any put", () => {
  const one = shared(READ_ONLY);
  const wait = {
    opcode: OPCODE.WORD_WAIT,
    tag: 3,
    handle: 1,
    offset: 16,
    length: 4,
    compare: BigInt(WAIT_MS),
  };
  one.reader.send(command(wait));
  assert.ok(one.sleeps());
  one.bytes[BASE + 16] = 9;
  const put = { opcode: OPCODE.PUT_NOTIFY, handle: 1, offset: 0, length: 32, flags: NOTIFY_PLACED };
  assert.equal(one.sender.call(put).status, 0);
  assert.deepEqual([one.reader.answer().value, one.fixture.count("protocolErrors")], [9n, 0]);
  assert.equal(one.reader.call(put).status, statusOf("ERR_RIGHTS"));
  assert.equal(one.sender.call({ ...put, length: BYTES }).status, statusOf("ERR_RANGE"));
  assert.equal(one.sender.call({ ...put, handle: 5 }).status, statusOf("ERR_BAD_HANDLE"));
  assert.equal(one.sender.call({ ...put, compare: 2n ** 53n }).status, statusOf("ERR_RANGE"));
});

test("a placed access of more than a command may have is refused", () => {
  const fixture = new WorkerFixture();
  const byteLength = 3 << 20;
  const { descriptor } = fixture.createRegion(INODE, byteLength);
  const token = fixture.openSession(1);
  fixture.bind(1, 1, { inode: INODE, descriptor, byteLength }, { at: 0, byteLength }, READ_WRITE);
  const client = fixture.enter(1, token);
  const put = { opcode: OPCODE.PUT_NOTIFY, handle: 1, flags: NOTIFY_PLACED };
  assert.equal(client.call({ ...put, length: 1 << 20 }).status, 0);
  assert.equal(client.call({ ...put, length: (1 << 20) + 1 }).status, statusOf("ERR_RANGE"));
});

test("the place of a queue is another's when its reader has let go of it, or his lane is another's", () => {
  const ends: Record<string, { end: (one: BoardFixture) => void; held: boolean }> = {
    closed: { end: (one) => one.close(), held: false },
    unbound: {
      end: (one) => void one.fixture.order({ type: "unbind", session: 1, handle: 1, revoked: false }),
      held: false,
    },
    // Who was stopped meanwhile goes on to say what he has taken.
    revoked: {
      end: (one) => void one.fixture.order({ type: "unbind", session: 1, handle: 1, revoked: true }),
      held: true,
    },
    ended: { end: (one) => void one.fixture.order({ type: "session-close", session: 1 }), held: true },
  };
  for (const [what, { end, held }] of Object.entries(ends)) {
    const one = shared();
    assert.equal(one.openAt(), 0);
    end(one);
    const placeOf = (number: number): number => Number(one.open({ number }, one.sender).value) - 1;
    assert.equal(placeOf(1), held ? 1 : 0, what);
    assert.equal(one.giveLane(11, { session: 2, handle: 9 }), 0);
    assert.equal(placeOf(2), held ? 0 : 1, what);
  }
});

test("a queue that is open when its reader's lane is another's gives its place up with its closing", () => {
  const one = shared();
  assert.equal(one.openAt(), 0);
  assert.equal(one.giveLane(11, { session: 2, handle: 9 }), 0);
  one.fixture.order({ type: "session-close", session: 1 });
  assert.equal(one.open({ number: 1 }, one.sender).value, 1n);
});

test("who sleeps looks when somebody has gone who may have told him and woken nobody", () => {
  for (const order of [
    { type: "session-close", session: 2 },
    { type: "unbind", session: 2, handle: 1, revoked: true },
  ] as const) {
    const one = shared();
    assert.equal(one.openAt(), 0);
    one.sendNext(7);
    assert.ok(one.sleeps());
    one.publish(0, 12, 0);
    assert.ok(one.sleeps());
    one.fixture.order(order);
    assert.deepEqual(noticesOf(one.reader.answer()), []);
  }
});
