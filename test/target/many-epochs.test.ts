/** After very many epochs a worker and its log are as they were before: nothing of an epoch outlasts it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_ANSWER } from "../../src/epoch/epoch-actions.ts";
import { EpochLog } from "../../src/epoch/log.ts";
import { replay } from "../../src/epoch/replay.ts";
import type { DriveObject } from "../../src/ports/drive.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { decodeEpochLogHeader } from "../../src/structs/epoch-log-header.ts";
import { regionObjectBytes } from "../../src/structs/region-header.ts";
import { LINE_BYTES } from "../../src/wire/epoch-message.ts";
import type { EpochName } from "../../src/wire/epoch-name.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { firstSeed } from "../support/first-seed.ts";
import { retainedBytes } from "../support/retained-bytes.ts";
import { EpochFixture, type EpochOrigin, HANDLE, OTHER, REGION_BYTES, writeAt } from "./epoch-fixture.ts";

const { PREPARED, COMMITTED, ABORTED, CONFLICT } = EPOCH_ANSWER;
const EPOCHS = Number(process.env.DIDAFS_EPOCHS ?? 1_000_000);
const SEED = firstSeed("DIDAFS_EPOCHS_SEED");
/** Half a minute where nothing else runs. */
const TIMEOUT_MS = 600_000;
/** Epochs in the life of an origin, and those between two looks at what is retained. */
const LIFE_EPOCHS = 500;
const LINES = REGION_BYTES / LINE_BYTES;
const RING_BYTES = 256 << 10;
/** Between two epochs. */
const STEP_MS = 20;
/** Longer than any wait between two questions. */
const LONG_MS = 70_000;
/**
 * Caches of the engine come and go, and the simulated network keeps the number of each connection; an entry that each epoch left
 * would be several times as much.
 */
const RETAINED_BYTES = 4 << 20;

/** One worker, whose origins commit in all ways that there are, and end in the middle of it. */
class ManyEpochs {
  readonly fixture = new EpochFixture({ ringBytes: RING_BYTES, bufferBytes: 1 << 16 });
  readonly counts = new Map<string, number>();
  readonly #random: SimRandom;
  #session = 0;
  #inode = 100;
  /** What the other worker knows of epochs that it has decided. */
  readonly #decided = new Map<string, boolean>();

  constructor(seed: number) {
    this.#random = new SimRandom(seed);
  }

  get epochs(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Two origins, one region that stays and one that comes and goes, and at least so many epochs. */
  live(epochs: number): void {
    const { fixture } = this;
    const end = this.epochs + epochs;
    const region = this.#makeRegion();
    const origins = [7, region.inode].map((inode) => this.origin(inode));
    while (this.epochs < end) {
      this.#epoch(origins as [EpochOrigin, EpochOrigin]);
      this.#answerQuestions();
    }
    // Some end in the middle of an epoch.
    for (const origin of origins) {
      this.#prepareElsewhere(origin);
      fixture.say({ type: "session-close", session: origin.session });
      origin.plain.stream.close();
      origin.epochs.stream.close();
    }
    this.settle();
    region.remove();
  }

  origin(inode: number): EpochOrigin {
    this.#session += 1;
    return this.fixture.origin(this.#session, inode);
  }

  #makeRegion(): { inode: number; remove: () => void } {
    const { fixture } = this;
    this.#inode += 1;
    const inode = this.#inode;
    const object: DriveObject = fixture.drive.create(`${inode}.0`, regionObjectBytes(REGION_BYTES));
    const { descriptor } = object;
    const bytes = new Uint8Array(0);
    fixture.regions.set(inode, { inode, byteLength: REGION_BYTES, descriptor, bytes });
    return {
      inode,
      remove: () => {
        fixture.say({ type: "unmap", inode, index: 0 });
        fixture.step(5);
        assert.ok(fixture.take("unmapped"));
        fixture.say({ type: "region-removed", inode, index: 0 });
        fixture.regions.delete(inode);
        fixture.drive.remove(object.name);
        object.close();
        fixture.memory.forget(descriptor);
      },
    };
  }

  #tell(what: string, answer: number, expected: readonly number[]): void {
    assert.ok(expected.includes(answer), `${what} is answered ${answer}`);
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #epoch(origins: readonly [EpochOrigin, EpochOrigin]): void {
    const random = this.#random;
    this.fixture.nowMs += STEP_MS;
    const [origin, other] = random.chance(0.5) ? origins : ([origins[1], origins[0]] as const);
    const kind = random.between(0, 7);
    if (kind <= 2) this.#alone(origin);
    else if (kind === 3) this.#stale(origin, other);
    else if (kind === 4) this.#decide(origin);
    else if (kind === 5) this.#conflict(origin);
    else if (kind === 6) this.#follow(origin);
    else this.#prepareElsewhere(origin);
    if (random.chance(0.02)) this.#flush(origin);
  }

  #claim(): { writes: ReturnType<typeof writeAt>[]; stable: boolean } {
    const at = this.#random.between(0, LINES - 1) * LINE_BYTES;
    return { writes: [writeAt(at, 1, 2, 3, 4)], stable: this.#random.chance(0.5) };
  }

  /** Some come in two messages. */
  #alone(origin: EpochOrigin): void {
    const name = origin.name();
    if (this.#random.chance(0.2)) assert.equal(origin.tell("MORE", name, this.#claim()), PREPARED);
    this.#tell("alone", origin.tell("COMMIT_ALONE", name, this.#claim()), [COMMITTED, CONFLICT]);
  }

  /** What it has read was written since, plainly; its first message waits for it in vain. */
  #stale(origin: EpochOrigin, other: EpochOrigin): void {
    const at = this.#random.between(0, LINES - 1) * LINE_BYTES;
    const reads = [{ handle: HANDLE, at, version: Number.MAX_SAFE_INTEGER }];
    const name = origin.name();
    this.#tell("stale", origin.tell("COMMIT_ALONE", name, { ...this.#claim(), reads }), [CONFLICT]);
    const dropped = other.name();
    assert.equal(other.tell("MORE", dropped, this.#claim()), PREPARED);
    other.tell("FINISH_ABORTED", dropped);
  }

  /** This worker decides; the other one is said to have finished, or is asked. */
  #decide(origin: EpochOrigin): void {
    const name = origin.name();
    const answer = origin.tell("PREPARE", name, this.#claim());
    if (answer === CONFLICT) {
      this.#tell("decided", answer, [CONFLICT]);
      return;
    }
    assert.equal(answer, PREPARED);
    this.#tell("decided", origin.tell("DECIDE", name, { others: [OTHER] }), [COMMITTED]);
    if (this.#random.chance(0.9)) origin.tell("ACKNOWLEDGE", name, { others: [OTHER] });
  }

  /** Two that want one line, and a plain write that waits for it. */
  #conflict(origin: EpochOrigin): void {
    const [one, two] = [origin.name(), origin.name()];
    const claim = this.#claim();
    const answer = origin.tell("PREPARE", one, claim);
    if (answer === CONFLICT) {
      this.#tell("conflict", answer, [CONFLICT]);
      return;
    }
    assert.equal(answer, PREPARED);
    this.#tell("conflict", origin.tell("PREPARE", two, claim), [CONFLICT]);
    const { at } = claim.writes[0] as { at: number };
    origin.sendPut(at + 16, new Uint8Array(16));
    this.#tell("aborted", origin.tell("FINISH_ABORTED", one), [ABORTED]);
    assert.equal(origin.plain.answer().status, 0);
  }

  /** The other worker decides, and the origin tells what. */
  #follow(origin: EpochOrigin): void {
    const name = origin.name("f".repeat(32));
    const answer = origin.tell("PREPARE", name, { ...this.#claim(), decider: OTHER });
    if (answer === CONFLICT) this.#tell("finished", answer, [CONFLICT]);
    else if (this.#random.chance(0.7))
      this.#tell("finished", origin.tell("FINISH_COMMITTED", name), [COMMITTED]);
    else this.#tell("finished", origin.tell("FINISH_ABORTED", name), [ABORTED]);
  }

  /** The other worker decides, and the origin leaves; who asks is told. */
  #prepareElsewhere(origin: EpochOrigin): void {
    const name = origin.name("f".repeat(32));
    const answer = origin.tell("PREPARE", name, { ...this.#claim(), decider: OTHER });
    this.#tell("in doubt", answer, [PREPARED, CONFLICT]);
    if (answer === CONFLICT) return;
    this.#decided.set(keyOf(name), this.#random.chance(0.5));
    if (this.#random.chance(0.97)) origin.tell("LEAVE", name);
  }

  #flush(origin: EpochOrigin): void {
    const { status } = origin.plain.call({
      opcode: OPCODE.FLUSH,
      handle: HANDLE,
      length: REGION_BYTES,
      flags: 1,
    });
    assert.equal(status, 0);
  }

  /** As the control thread does, for the other worker. */
  #answerQuestions(): number {
    const { fixture } = this;
    fixture.drive.synced.length = 0;
    let answered = 0;
    for (const message of fixture.told.splice(0)) {
      if (message.type === "epoch-enquire") {
        const key = keyOf(message.name);
        const answer = this.#decided.get(key) === true ? COMMITTED : ABORTED;
        this.#decided.delete(key);
        fixture.say({ type: "epoch-outcome", key: message.key, answer });
        answered += 1;
      } else if (message.type === "epoch-ask-finish") {
        const { name, participant } = message;
        fixture.say({ type: "epoch-acknowledged", name, participant });
        answered += 1;
      } else if (message.type === "unmapped") fixture.told.push(message);
    }
    return answered;
  }

  /** All that anybody would still ask is asked, and answered. */
  settle(): void {
    const { fixture } = this;
    for (let rounds = 0; ; rounds += 1) {
      assert.ok(rounds < 10, "questions come to an end");
      fixture.nowMs += LONG_MS;
      fixture.step(5);
      if (this.#answerQuestions() === 0) break;
    }
    this.#decided.clear();
  }

  /** What a crash would leave. */
  left(): { inDoubt: number; decisions: number; usedBytes: number } {
    const { log } = this.fixture;
    assert.ok(log);
    const bytes = this.fixture.memory.bytesOf(log.descriptor).slice();
    const read = new EpochLog(bytes, log.name, log.secret);
    const { inDoubt, decisions } = replay(read.recover());
    const start = decodeEpochLogHeader(bytes, log.name)?.start as number;
    return { inDoubt: inDoubt.length, decisions: decisions.length, usedBytes: read.end - start };
  }

  /** Every line can be read, written and claimed at once. */
  checkFree(): void {
    const origin = this.origin(7);
    origin.get(0, REGION_BYTES);
    for (let line = 0; line < LINES; line += 1) origin.put(line * LINE_BYTES, new Uint8Array(16));
    const writes = Array.from({ length: LINES }, (_, line) => writeAt(line * LINE_BYTES, 1));
    assert.equal(origin.tell("COMMIT_ALONE", origin.name(), { writes }), COMMITTED);
    this.fixture.say({ type: "session-close", session: origin.session });
    origin.plain.stream.close();
    origin.epochs.stream.close();
  }

  /** Epochs until some of the log was given back, as is done when half of it is taken. @returns what is left then */
  trimmed(): number {
    const origin = this.origin(7);
    let before = this.left().usedBytes;
    for (let epochs = 0; epochs < RING_BYTES; epochs += 1) {
      origin.tell("COMMIT_ALONE", origin.name(), { writes: [writeAt(0, 1)] });
      if (epochs % 20 !== 0) continue;
      const { usedBytes } = this.left();
      if (usedBytes < before) break;
      before = usedBytes;
    }
    this.fixture.step(20);
    const { usedBytes } = this.left();
    this.fixture.say({ type: "session-close", session: origin.session });
    origin.plain.stream.close();
    origin.epochs.stream.close();
    return usedBytes;
  }
}

function keyOf({ session, sequence }: EpochName): string {
  return `${session}.${sequence}`;
}

test(`after ${EPOCHS} epochs everything is as it was`, { timeout: TIMEOUT_MS }, (context) => {
  context.diagnostic(`DIDAFS_EPOCHS_SEED=${SEED} repeats them`);
  const many = new ManyEpochs(SEED);
  const { fixture } = many;
  many.live(LIFE_EPOCHS);
  for (let lives = 0; lives < 10; lives += 1) many.live(LIFE_EPOCHS);
  const log = many.trimmed();
  const open = fixture.drive.openCount;
  const before = retainedBytes();
  many.counts.clear();
  while (many.epochs < EPOCHS) many.live(LIFE_EPOCHS);
  many.checkFree();
  many.settle();
  const kept = retainedBytes() - before;
  const counts = [...many.counts].map(([what, count]) => `${what} ${count}`).join(", ");
  context.diagnostic(`${counts}; ${kept} bytes more are retained`);
  assert.equal(fixture.drive.openCount, open);
  const { inDoubt, decisions } = many.left();
  assert.deepEqual({ inDoubt, decisions }, { inDoubt: 0, decisions: 0 });
  assert.ok(many.trimmed() <= log + LINE_BYTES, "the log is given back");
  assert.ok(kept < RETAINED_BYTES, `${kept} bytes more are retained`);
  for (const what of ["alone", "stale", "decided", "conflict", "aborted", "finished", "in doubt"]) {
    assert.ok((many.counts.get(what) ?? 0) > EPOCHS / 50, what);
  }
});
