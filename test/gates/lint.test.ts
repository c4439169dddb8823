import { test } from "node:test";
import { assertClean, assertRefused } from "./sample.ts";

const PORTS = "export interface Clock {\n  nowMs(): number;\n}\n";
const AMBIENT = {
  "Date.now": "export const at: number = Date.now();\n",
  "Date.now as a value": "export const clock: () => number = Date.now;\n",
  "new Date()": "export const at: Date = new Date();\n",
  "performance.now": "export const at: number = performance.now();\n",
  "globalThis.performance": "export const at: number = globalThis.performance.now();\n",
  "process.hrtime": "export const at: bigint = process.hrtime.bigint();\n",
  "Math.random": "export const chance: number = Math.random();\n",
  "crypto.randomUUID": "export const id: string = crypto.randomUUID();\n",
  setTimeout: "setTimeout(() => {}, 1);\n",
  setInterval: "setInterval(() => {}, 1);\n",
  setImmediate: "setImmediate(() => {});\n",
  "globalThis.setTimeout": "globalThis.setTimeout(() => {}, 1);\n",
  "new Worker":
    'import { Worker } from "node:worker_threads";\n\nexport const worker: Worker = new Worker("./x.ts");\n',
};

test("lint accepts the clean sample", () => assertClean("lint", { "src/ports/clock.ts": PORTS }));

test("lint refuses a floating promise", () => {
  const text = "async function send(): Promise<void> {}\n\nexport function close(): void {\n  send();\n}\n";
  assertRefused("lint", { "src/client/close.ts": text }, /close\.ts:4:3 lint\/nursery\/noFloatingPromises/);
});

test("lint refuses a floating promise of another file", () => {
  const files = {
    "src/client/send.ts": "export async function send(): Promise<void> {}\n",
    "src/client/close.ts":
      'import { send } from "./send.ts";\n\nexport function close(): void {\n  send();\n}\n',
  };
  assertRefused("lint", files, /close\.ts:4:3 lint\/nursery\/noFloatingPromises/);
});

test("lint refuses a file that is not formatted", () => {
  assertRefused("lint", { "src/std/a.ts": "export const  A = 1\n" }, /src\/std\/a\.ts format/);
});

test("lint reads plain JavaScript too", () => {
  assertRefused(
    "lint",
    { "scripts/a.mjs": "debugger;\n" },
    /scripts\/a\.mjs:1:1 lint\/suspicious\/noDebugger/,
  );
});

test("lint refuses each way of asking the machine in src/target, and in no composition root", () => {
  const files = (folder: string) =>
    Object.fromEntries(Object.values(AMBIENT).map((text, at) => [`${folder}/ambient-${at}.ts`, text]));
  const named = Object.keys(AMBIENT).map(
    (_, at) => new RegExp(`src/target/ambient-${at}\\.ts:\\d+:\\d+ (plugin|lint/style/noRestrictedGlobals)`),
  );
  assertRefused("lint", files("src/target"), /ports-only: Date\.now/, ...named);
  for (const folder of ["src/system", "src/cli"]) assertClean("lint", files(folder));
});
