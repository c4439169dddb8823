/** Opens a window on each of many files, several at once; prints what became of them. Run with few descriptors. */
import { connect, isDidafsError } from "../../src/index.ts";

const FILES = 200;
const AT_ONCE = 20;
const BYTES = 4096;

await using cluster = await connect(process.env.DIDAFS_URL, { transport: "direct" });
const numbers = Array.from({ length: FILES }, (_, number) => number);
const files = await Promise.all(
  numbers.map((number) => cluster.open(`/file-${number}`, { create: true, size: BYTES })),
);
for (const [number, file] of files.entries()) {
  await using window = await file.window({ rights: "rw" });
  await window.store(0, number);
}

const windows = [];
const refusals: string[] = [];
for (let first = 0; first < FILES; first += AT_ONCE) {
  const batch = files.slice(first, first + AT_ONCE).map((file) => file.window({ rights: "rw" }));
  for (const [index, settled] of (await Promise.allSettled(batch)).entries()) {
    if (settled.status === "fulfilled") windows.push({ number: first + index, window: settled.value });
    else refusals.push(isDidafsError(settled.reason) ? settled.reason.code : String(settled.reason));
  }
}
const strange: number[] = [];
for (const { number, window } of windows) {
  if ((await window.load(0)) !== number) strange.push(number);
  await window.store(8, 1);
}
await Promise.all(windows.map(({ window }) => window.close()));
await using _ = await (files.at(-1) as (typeof files)[number]).window({ rights: "rw" });
console.log(JSON.stringify({ opened: windows.length, refusals: [...new Set(refusals)], strange }));
