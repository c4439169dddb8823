import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createWorkerCounters,
  HEAT_COLUMN,
  HEAT_SLOTS,
  readHeat,
  SHARED_HEAT,
} from "../../src/structs/worker-counters.ts";
import { HeatTable } from "../../src/target/heat-table.ts";

function fixture() {
  const words = createWorkerCounters();
  const halves = new Uint32Array(words.buffer);
  const table = new HeatTable(words);
  const open = (inode: number, index = 0) => {
    const region = { inode, index, heat: SHARED_HEAT };
    table.open(region);
    return region;
  };
  /** The inodes that have slots. */
  const held = (): number[] =>
    Array.from({ length: HEAT_SLOTS }, (_, slot) => readHeat(words, halves, slot).inode).filter(
      (inode) => inode !== 0,
    );
  return { words, table, open, held };
}

const OWN_SLOTS = HEAT_SLOTS - 1;

test("each region has a slot of its own, which stays its own when it is opened again", () => {
  const { words, table, open } = fixture();
  const [first, second] = [open(7, 0), open(7, 1)];
  assert.notEqual(first.heat, second.heat);
  assert.ok(![first.heat, second.heat].includes(SHARED_HEAT));
  words[first.heat + HEAT_COLUMN.gets] = 3;
  table.close(first);
  const again = open(7, 0);
  assert.equal(again.heat, first.heat);
  assert.equal(words[again.heat + HEAT_COLUMN.gets], 3);
});

test("the least recently closed gives way first", () => {
  const { table, open, held } = fixture();
  const regions = Array.from({ length: OWN_SLOTS }, (_, at) => open(100 + at));
  table.close(regions[5] as (typeof regions)[number]);
  table.close(regions[2] as (typeof regions)[number]);
  open(1000);
  assert.ok(!held().includes(105) && held().includes(102));
  open(1001);
  assert.ok(!held().includes(102) && held().includes(100));
});

test("where all are open the least recently opened gives way, and is counted with the others from then on", () => {
  const { table, open, held } = fixture();
  const regions = Array.from({ length: OWN_SLOTS }, (_, at) => open(100 + at));
  const oldest = regions[0] as (typeof regions)[number];
  const slot = oldest.heat;
  const newest = open(1000);
  assert.equal(newest.heat, slot);
  assert.equal(oldest.heat, SHARED_HEAT);
  assert.ok(!held().includes(100));
  // Its end takes nothing from who has the slot now.
  table.close(oldest);
  assert.equal(held().length, OWN_SLOTS);
  // Opened again it has a slot again, and the next one gives way.
  const [next] = regions.slice(1);
  const itsSlot = next?.heat;
  assert.equal(open(100).heat, itsSlot);
  assert.equal(next?.heat, SHARED_HEAT);
});
