import { test } from "node:test";
import { assertClean, assertRefused } from "./sample.ts";

test("types accepts the clean sample", () => assertClean("types"));

test("types refuses, and names, each violation", () => {
  const files = {
    "src/std/wrong.ts": 'export const COUNT: number = "one";\n',
    "src/std/enum.ts": "export enum Kind {\n  File = 1,\n}\n",
    "src/std/index-access.ts": "export function first(words: number[]): number {\n  return words[0];\n}\n",
    "src/std/optional.ts": "export const at: { end?: number } = { end: undefined };\n",
    "src/std/type-import.ts": 'import { Clock } from "./clock.ts";\n\nexport type Both = Clock;\n',
    "src/std/clock.ts": "export interface Clock {\n  nowMs: number;\n}\n",
    "test/wrong.test.ts": 'export const COUNT: number = "one";\n',
  };
  assertRefused(
    "types",
    files,
    /src\/std\/wrong\.ts\(1,14\): error TS2322/,
    /src\/std\/enum\.ts\(1,13\): error TS1294.*erasableSyntaxOnly/,
    /src\/std\/index-access\.ts\(2,3\): error TS2322/, // noUncheckedIndexedAccess
    /src\/std\/optional\.ts\(1,14\): error TS2375.*exactOptionalPropertyTypes/,
    /src\/std\/type-import\.ts\(1,10\): error TS1484.*verbatimModuleSyntax/,
    /test\/wrong\.test\.ts\(1,14\): error TS2322/,
  );
});
