import assert from "node:assert/strict";
import { test } from "node:test";
import type { DidafsWindow, EpochAccess, EpochOptions } from "../../src/client/api.ts";
import type { EpochRegion } from "../../src/client/epoch-window.ts";
import { Epochs } from "../../src/client/epochs.ts";
import type { BoundRegion, Origin } from "../../src/client/origin.ts";
import { Stripes } from "../../src/client/stripes.ts";
import { Window } from "../../src/client/window.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import type { RegionAccess } from "../../src/transport/access.ts";
import { EpochLink } from "../../src/transport/epoch-link.ts";
import { RemoteBinding } from "../../src/transport/transfer.ts";
import { retainedBytes } from "../support/retained-bytes.ts";
import { ScriptedTarget } from "../transport/scripted-target.ts";
import { announce, SEED, secondsOf, timeoutOf } from "./budget.ts";
import { Dice } from "./dice.ts";
import { hostileAnswer } from "./wire/hostile-answers.ts";

const TARGETS = 3;
const UNIT = 4096;
const SIZE = 4 * TARGETS * UNIT;
const CANARY = 0x5a;
const MARGIN = 64;
/** Of each access, and of each close. */
const TIMEOUT_MS = 50;
const STEP_MS = 2;
/** More than all accesses of a body, its close and its retries may take together. */
const STEPS_MAX = 2000;
const ROUNDS_MIN = 1000;
/** What may be held on to beyond what was before: compiled code, and the counts. */
const RETAINED_BYTES = 16 << 20;

/** Targets that answer as they like, and an origin with a window on a file that lies on all of them. */
class Siege {
  readonly targets: readonly ScriptedTarget[];
  readonly window: DidafsWindow;
  readonly #dice: Dice;
  readonly #answered: number[] = [];
  readonly #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  #sequence = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
    this.targets = Array.from({ length: TARGETS }, () => new ScriptedTarget(TIMEOUT_MS));
    for (const target of this.targets) {
      this.#answered.push(0);
      target.trickles = dice.percent(5);
      if (dice.percent(5)) target.room = dice.between(0, 5000);
    }
    const links = this.targets.map(({ access }) => new EpochLink(access.link));
    const origin: Partial<Origin> = {
      nowMs: () => this.#nowMs,
      sleep: (ms) => new Promise((wake) => void this.#sleepers.push({ atMs: this.#nowMs + ms, wake })),
      nextEpoch: () => {
        this.#sequence += 1;
        return this.#sequence;
      },
      epochLink: async (session) => links[session] as EpochLink,
      // Nothing is mapped.
      versionReader: () => undefined,
    };
    const epochs = new Epochs(origin as Origin, TIMEOUT_MS);
    const stripes = new Stripes(0, SIZE, UNIT, TARGETS);
    const window: Window = new Window({
      path: "/file",
      rights: "rw",
      sharing: "managed",
      protection: "checked",
      locality: "tcp",
      stripes,
      accesses: this.targets.map(({ access }) => access as unknown as RegionAccess),
      volatileDrive: false,
      timeoutMs: TIMEOUT_MS,
      regions: this.targets.map((_, index) => regionOf(index)),
      epoch: (options, body) => epochs.run([window], options, body),
      lockCycle: async () => [],
      release: async () => {},
    });
    epochs.add(window.forEpochs());
    this.window = window;
  }

  get #nowMs(): number {
    return (this.targets[0] as ScriptedTarget).clock.nowMs();
  }

  /** Time passes, and each target may say something. */
  async step(says: boolean): Promise<void> {
    for (const [at, target] of this.targets.entries()) {
      const answered = this.#answered[at] as number;
      const answer =
        says && this.#dice.percent(70) ? hostileAnswer(target.received, answered, this.#dice) : [];
      if (answer.length > 0) {
        target.say(Uint8Array.from(answer));
        this.#answered[at] = answered + 1;
      }
      target.clock.advance(STEP_MS);
      target.turns.turn();
    }
    for (const sleeper of this.#sleepers.splice(0)) {
      if (sleeper.atMs <= this.#nowMs) sleeper.wake();
      else this.#sleepers.push(sleeper);
    }
    await new Promise((resolve) => void setImmediate(resolve));
  }

  close(): void {
    for (const { connection } of this.targets) connection.close();
  }
}

function regionOf(index: number): EpochRegion {
  const epochs = { incarnation: "e".repeat(32), session: index + 1, secret: "5e".repeat(8) };
  const home = { target: `${index}`.repeat(32), worker: 0 };
  const bound: Partial<BoundRegion> = { session: index, handle: 1, home, epochs };
  const key = `${index}.7.${index}`;
  return {
    inode: 7,
    bound: bound as BoundRegion,
    key,
    at: 0,
    drive: "file",
    binding: new RemoteBinding(1),
  };
}

/** Accesses that are all allowed, in a body that waits for them or not. @returns what was read into, with margins around it */
async function body(e: EpochAccess, dice: Dice, readInto: Uint8Array[]): Promise<void> {
  const under: Promise<unknown>[] = [];
  const onlyReads = dice.percent(40);
  for (let count = dice.between(1, 5); count > 0; count -= 1) {
    const length = dice.pick([1, 8, 100, UNIT, 3 * UNIT]);
    const at = dice.between(0, Math.floor((SIZE - length) / 8)) * 8;
    const around = new Uint8Array(MARGIN + length + MARGIN).fill(CANARY);
    readInto.push(around);
    const reads = [() => e.get(at, around.subarray(MARGIN, MARGIN + length)), () => e.load(at)];
    const writes = [
      () => e.put(at, new Uint8Array(length)),
      () => e.store(at, 1),
      () => e.fetchAdd(at, 1),
      () => e.compareAndSwap(at, 0, 1),
      () => e.accumulate("add", at, new Float64Array(1)),
    ];
    const access = dice.pick(onlyReads ? reads : [...reads, ...writes])();
    access.catch(() => {});
    if (dice.percent(50)) await access;
    else under.push(access);
  }
  if (dice.percent(80)) await Promise.all(under);
}

/** @returns how the epoch ended */
async function siege(seed: number): Promise<string> {
  const dice = new Dice(seed);
  const siege = new Siege(dice);
  const options: EpochOptions = {
    isolation: dice.pick(["serializable", "serializable", "none"]),
    consistency: dice.pick(["release", "relaxed"]),
    retries: dice.percent(20) ? 2 : 0,
  };
  const readInto: Uint8Array[] = [];
  let ended: string | undefined;
  siege.window
    .epoch(options, (e) => body(e, dice, readInto))
    .then(
      () => {
        ended = "committed";
      },
      (error) => {
        ended = isDidafsError(error) ? `${error.code} ${error.applied}` : `a fault: ${error.stack}`;
      },
    );
  // Then they fall silent: what was not answered runs out.
  const talkative = dice.between(1, 200);
  for (let step = 0; ended === undefined; step += 1) {
    assert.ok(step < STEPS_MAX, `input ${seed}: the epoch hangs`);
    await siege.step(step < talkative);
  }
  for (let step = 0; step < 10; step += 1) await siege.step(true);
  // A word that is no safe integer was read all the same, as far as the body is concerned.
  assert.doesNotMatch(ended, /fault|(?<!ERR_UNSAFE_INTEGER) yes/, `input ${seed}`);
  for (const around of readInto) {
    const margins = [around.subarray(0, MARGIN), around.subarray(around.length - MARGIN)];
    assert.ok(
      margins.every((margin) => margin.every((byte) => byte === CANARY)),
      `input ${seed}: an answer was written beside the caller's bytes`,
    );
  }
  siege.close();
  return ended;
}

test(
  "whatever targets say of an epoch, it ends, and writes nothing beside the caller's bytes",
  timeoutOf("origin-epochs"),
  async (context) => {
    announce(context, "origin-epochs");
    const dice = new Dice(SEED);
    const counts = new Map<string, number>();
    const endMs = performance.now() + secondsOf("origin-epochs") * 1000;
    const before = retainedBytes();
    let rounds = 0;
    for (; rounds < ROUNDS_MIN || performance.now() < endMs; rounds += 1) {
      const outcome = await siege(dice.next());
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    context.diagnostic(
      `${rounds} epochs; ${[...counts].map(([name, count]) => `${name} ${count}`).join(", ")}`,
    );
    for (const name of [
      "committed",
      "ERR_EPOCH_CONFLICT no",
      "ERR_TIMEOUT no",
      "ERR_TIMEOUT unknown",
      "ERR_SESSION_LOST no",
      "ERR_SESSION_LOST unknown",
    ]) {
      assert.ok((counts.get(name) ?? 0) > 0, `${name} is reached`);
    }
    const kept = retainedBytes() - before;
    assert.ok(kept < RETAINED_BYTES, `${Math.round(kept / 2 ** 20)} MiB more are held on to`);
  },
);
