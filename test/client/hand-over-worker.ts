/**
 * A process of its own that hands a counter back and forth with another one, started by word-processes.test.ts: it waits until
 * the turn is its own, and makes it the other's.
 */
import { connect } from "../../src/index.ts";
import { writesOf } from "../transport/word-writes.ts";
import type { HandOverPlan } from "./word-processes.ts";

const { path, transport, sharing, way, turn, count } = JSON.parse(process.argv[2] as string) as HandOverPlan;
await using cluster = await connect(undefined, { transport });
await using file = await cluster.open(path);
await using window = await file.window({ rights: "rw", sharing });
const { write } = writesOf(window).find(({ what }) => what === way) as ReturnType<typeof writesOf>[number];
for (let value = turn; value < count; value += 2) {
  // Nobody looks by himself within that time: whoever is not woken fails.
  const limits = { timeoutMs: 60_000, signal: AbortSignal.timeout(25_000) };
  await window.waitUntil(0, (seen) => seen === value, "i64", limits);
  await write(0, value + 1);
}
