import assert from "node:assert/strict";
import { Dice } from "../dice.ts";
import { STATUS } from "../oracle/statuses.ts";
import { Tally } from "../tally.ts";
import type { Kind } from "./control-channel.ts";
import { Siege } from "./siege.ts";
import { Slot } from "./slot.ts";
import { strangers } from "./strangers.ts";
import { pause } from "./turns.ts";
import { upheaval } from "./upheaval.ts";
import { Victim } from "./victim.ts";

/** Sessions that attack at a time. */
const SLOTS = { file: 8, memory: 8 };
const CHECK_MS = 1000;
const LOOK_MS = 100;
/** Slots with a land that is longer than a payload may be. */
const LONG_LANDS = 2;
/** What a run may take beyond its seconds to reach what it must, on a machine that is busy with something else. */
const OVERTIME_SECONDS = 600;
/**
 * What a target may have grown by between the first part of a run and its end. Its heaps are bounded (siege.ts); the rest
 * levels off once the greatest floods were there: no more than 360 MiB in all were seen, in four million frames.
 */
const GROWTH_BYTES = 256 << 20;
/** Where the first part of a run had no great flood this much is what it would have had with one. */
const LEVEL_BYTES = 160 << 20;
/** How long what a session held may take to be given back. */
const SETTLE_MS = 20_000;

export interface LiveRun {
  readonly kind: Kind;
  readonly seed: number;
  readonly seconds: number;
  readonly framesMin: number;
  /** See OVERTIME_SECONDS. */
  readonly overtimeSeconds?: number;
  /** Modules of test/fuzz/preload, beside those that every target has. */
  readonly preloads?: readonly string[];
  readonly say: (line: string) => void;
}

/** Attacks a target with a file drive and one with a memory drive at the same time. */
export async function attackLive(run: LiveRun): Promise<Tally> {
  const tally = new Tally();
  const dice = new Dice(run.seed);
  const preloads = ["guard-pages", "failing-sync", ...(run.preloads ?? [])];
  const sieges = [new Siege("file", preloads), new Siege("memory", preloads)];
  // A circle is one only when it has lasted, and no session lasts so long here.
  // And whoever attacks a target that runs finds one that knows epochs. See seldom.test.ts.
  const statuses = Object.keys(STATUS).filter((name) => name !== "DEADLOCK" && name !== "NOT_SUPPORTED");
  const startMs = performance.now();
  const elapsed = (): number => (performance.now() - startMs) / 1000;
  let failed = false;
  let lookedMs = startMs;
  let done = false;
  const isOver = (): boolean => {
    if (performance.now() - lookedMs > LOOK_MS) {
      lookedMs = performance.now();
      const isLate = elapsed() >= run.seconds + (run.overtimeSeconds ?? OVERTIME_SECONDS);
      const isEnough = tally.frames >= run.framesMin && tally.missing(statuses).length === 0;
      done = isLate || (elapsed() >= run.seconds && isEnough);
    }
    return failed || done;
  };
  try {
    await Promise.all(sieges.map((siege) => siege.start()));
    await Promise.all(
      sieges.map((siege) =>
        attack(siege, run, dice.split(), tally, isOver).catch((error: unknown) => {
          failed = true;
          throw error;
        }),
      ),
    );
  } catch (error) {
    for (const siege of sieges)
      run.say(`log of the ${siege.drive} target: ${siege.target.log().slice(-2000)}`);
    throw error;
  } finally {
    for (const line of tally.lines(elapsed())) run.say(line);
    await Promise.all(sieges.map((siege) => siege.close()));
  }
  tally.assertReached(run.framesMin, statuses);
  return tally;
}

async function attack(
  siege: Siege,
  run: LiveRun,
  dice: Dice,
  tally: Tally,
  isOver: () => boolean,
): Promise<void> {
  const { kind } = run;
  const slots = Array.from(
    { length: SLOTS[siege.drive] },
    (_, index) => new Slot(siege, kind, dice.split(), tally, index < LONG_LANDS),
  );
  const victim = new Victim(siege, kind, dice.split());
  // What it takes to serve at all is no loss: the baseline is what one session of each slot left behind.
  await Promise.all(slots.map((slot) => slot.warmUp()));
  const descriptors = siege.descriptors();
  let failed = false;
  let resident: number | undefined;
  const over = (): boolean => failed || isOver();
  const watch = async (): Promise<void> => {
    while (!over()) {
      await pause(CHECK_MS);
      siege.check();
      tally.checks += 1;
      if (resident === undefined && tally.frames > run.framesMin * 0.3) resident = siege.residentBytes();
    }
  };
  const everybody = [
    ...slots.map((slot) => slot.run(over)),
    victim.run(over),
    strangers(siege, kind, dice.split(), tally, over),
    upheaval(siege, dice.split(), over),
    watch(),
  ];
  const results = await Promise.allSettled(
    everybody.map((part) =>
      part.catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    ),
  );
  const fault = results.find((result) => result.status === "rejected");
  if (fault !== undefined) throw fault.reason;
  tally.victimFrames += victim.tally.frames;
  siege.check();
  await backToBaseline(siege, run, descriptors, resident ?? siege.residentBytes());
}

async function backToBaseline(
  siege: Siege,
  run: LiveRun,
  before: readonly string[],
  resident: number,
): Promise<void> {
  const giveUpMs = performance.now() + SETTLE_MS;
  // Some are open for a moment only, while a record is replaced: one look without them is enough.
  let left = siege.descriptors();
  while (left.length > before.length && performance.now() < giveUpMs) {
    await pause(50);
    left = siege.descriptors();
  }
  const grown = siege.residentBytes() - Math.max(resident, LEVEL_BYTES);
  run.say(
    `${siege.drive} target: ${left.length} descriptors (${before.length} before), memory ${Math.round(resident / 2 ** 20)} MiB and ${Math.round(grown / 2 ** 20)} MiB more`,
  );
  assert.ok(left.length <= before.length, `descriptors: ${left.join(" ")}, before: ${before.join(" ")}`);
  assert.ok(grown <= GROWTH_BYTES, `${grown} bytes more in memory`);
}
