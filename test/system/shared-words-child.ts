import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { systemMemory } from "../../src/system/memory.ts";
import { addRounds, readBothWays } from "./shared-words.ts";

/** Maps the page behind a path and does what it is told with it. */
const say = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
const descriptor = openSync(process.argv[2] as string, "r+");
const memory = systemMemory.map(descriptor, 0, 4096, true);
closeSync(descriptor);
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "read") say(readBothWays(memory, 2500));
  if (line === "add") {
    addRounds(memory);
    say("added");
  }
});
say("mapped");
setTimeout(() => process.exit(1), 60_000);
