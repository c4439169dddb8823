import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDidafsError } from "../../src/std/errors.ts";
import { retainedBytes } from "../support/retained-bytes.ts";
import { announce, SEED, secondsOf, timeoutOf } from "./budget.ts";
import type { Decoder } from "./decoders/decoder.ts";
import { FileDecoders } from "./decoders/files.ts";
import { STORED_DECODERS } from "./decoders/stored.ts";
import { WIRE_DECODERS } from "./decoders/wire.ts";
import { Dice } from "./dice.ts";

/** What may be held on to beyond what was before: compiled code, and the counts. */
const RETAINED_BYTES = 16 << 20;
const ROUNDS_MIN = 60;
/** Of each decoder in a round, at most. */
const TURN_ATTEMPTS = 50;
const TURN_MS = 2;

/** @returns how it went: "read", or the code of the error */
function attempt(decoder: Decoder, seed: number): string {
  try {
    decoder.attempt(new Dice(seed));
    return "read";
  } catch (error) {
    if (isDidafsError(error) && decoder.codes.includes(error.code)) return error.code;
    throw new Error(`${decoder.name}, input ${seed}: ${error}`, { cause: error });
  }
}

test(
  "every decoder takes whatever comes, or says what is wrong with it",
  timeoutOf("decoders"),
  (context) => {
    announce(context, "decoders");
    const files = new FileDecoders();
    try {
      const decoders = [...WIRE_DECODERS, ...STORED_DECODERS, ...files.all()];
      const outcomes = new Map(decoders.map(({ name }) => [name, new Map<string, number>()]));
      const before = retainedBytes();
      const endMs = performance.now() + secondsOf("decoders") * 1000;
      const dice = new Dice(SEED);
      for (let round = 0; performance.now() < endMs || round < ROUNDS_MIN; round += 1) {
        for (const decoder of decoders) {
          const counts = outcomes.get(decoder.name) as Map<string, number>;
          // Those that ask the drive must not be all that is done.
          const turnMs = performance.now() + TURN_MS;
          for (let done = 0; done < TURN_ATTEMPTS && performance.now() < turnMs; done += 1) {
            const outcome = attempt(decoder, dice.next());
            counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
          }
        }
      }
      for (const { name, codes } of decoders) {
        const counts = outcomes.get(name) as Map<string, number>;
        context.diagnostic(
          `${name}: ${[...counts].map(([outcome, count]) => `${outcome} ${count}`).join(", ")}`,
        );
        assert.ok((counts.get("read") ?? 0) > 0, `${name}: something is read`);
        assert.ok(codes.length === 0 || counts.size > 1, `${name}: something is refused`);
      }
      const kept = retainedBytes() - before;
      assert.ok(kept < RETAINED_BYTES, `${Math.round(kept / 2 ** 20)} MiB more are held on to`);
    } finally {
      files.close();
    }
  },
);

/** Exports that sound like decoders, and read nothing that another party wrote. */
const NO_DECODERS: Readonly<Record<string, string>> = {
  // Fields of a header that was checked before.
  headerOpcode: "oracle and live runs",
  openFiles: "a count",
};

test("no decoder is left out", () => {
  const covered = new Set([...WIRE_DECODERS, ...STORED_DECODERS].flatMap(({ covers }) => covers));
  const missing: string[] = [];
  for (const folder of ["wire", "rpc", "structs", "meta"]) {
    const directory = fileURLToPath(new URL(`../../src/${folder}/`, import.meta.url));
    for (const file of readdirSync(directory).filter((name) => name.endsWith(".ts"))) {
      const source = readFileSync(`${directory}${file}`, "utf8");
      for (const [, name = ""] of source.matchAll(/^export function ((?:decode|parse|open|checked)\w+)/gm)) {
        if (!covered.has(name) && !Object.hasOwn(NO_DECODERS, name))
          missing.push(`${folder}/${file}: ${name}`);
      }
    }
  }
  assert.deepEqual(missing, [], "each has its entry in test/fuzz/decoders, or a reason in NO_DECODERS");
});
