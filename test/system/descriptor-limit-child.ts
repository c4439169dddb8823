import { createInterface } from "node:readline";
import { isDidafsError } from "../../src/std/errors.ts";
import { close } from "../../src/system/libc.ts";
import { openMemoryDrive } from "../../src/system/memory-drive.ts";
import { systemNetwork } from "../../src/system/network.ts";

/** Uses up its descriptors, then accepts one connection at each line, after "free" with descriptors at hand. */
const say = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

const lines = createInterface({ input: process.stdin });
const listener = systemNetwork.listen({ kind: "unix", name: process.argv[2] as string });
const object = openMemoryDrive().create("filler", 4096);
const fillers: number[] = [];
try {
  for (;;) fillers.push(object.readOnlyDescriptor());
} catch (error) {
  say({ exhausted: isDidafsError(error) ? error.code : String(error) });
}
lines.on("line", (line) => {
  if (line === "free") for (const filler of fillers) close(filler);
  say({ accepted: listener.accept() !== undefined });
});
setTimeout(() => process.exit(1), 60_000);
