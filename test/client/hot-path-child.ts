/**
 * An origin's accesses on all kinds of windows, in a process of its own with so much room for young objects that none is
 * collected: what the heap grows by is what was allocated. Says as JSON how much that was, by kind of access.
 */
import { writeSync } from "node:fs";
import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { connect, type DidafsWindow } from "../../src/index.ts";

interface Counts {
  readonly each: number;
  readonly fewer: number;
  readonly allocating: readonly string[];
}

const counts = JSON.parse(process.argv[2] as string) as Counts;
const FILE_BYTES = 1 << 20;
const DEPTH = 256;
const TURNS = 10;

/** Services run in another process: what they allocate is not counted here, and what the engine says is of this one. */
const clients = {
  direct: await connect(undefined, { transport: "direct" }),
  tcp: await connect(undefined, { transport: "tcp" }),
};
const word = new Uint8Array(8);
const block = new Uint8Array(4096);
const blocks = Array.from({ length: DEPTH }, () => new Uint8Array(4096));

async function open(transport: "direct" | "tcp", sharing: "managed" | "raw"): Promise<DidafsWindow> {
  const file = await clients[transport].open(`/${transport}-${sharing}`, { create: true, size: FILE_BYTES });
  return file.window({ rights: "rw", sharing });
}

/** `count` operations of one kind, in order through the file. */
type Load = (count: number) => void;

function each(act: (at: number) => void, step: number): Load {
  let at = 0;
  return (count) => {
    for (let i = 0; i < count; i += 1) {
      act(at);
      at = (at + step) % FILE_BYTES;
    }
  };
}

function batched(window: DidafsWindow, opcode: "get" | "put"): Load {
  const batch = window.batch();
  return (count) => {
    for (let done = 0; done < count; done += DEPTH) {
      for (let i = 0; i < DEPTH; i += 1) {
        const at = ((done + i) * 4096) % FILE_BYTES;
        if (opcode === "get") batch.get(at, blocks[i] as Uint8Array);
        else batch.put(at, blocks[i] as Uint8Array);
      }
      batch.runSync();
    }
  };
}

const [raw, managed, tcp] = [
  await open("direct", "raw"),
  await open("direct", "managed"),
  await open("tcp", "managed"),
];
// Not one at a time over TCP: waiting is polling, each poll boxes an address, and how many there are is the machine's.
const loads: Record<string, Load> = {
  "raw loadSync i32": each((at) => raw.loadSync(at, "i32"), 4),
  "raw storeSync u32": each((at) => raw.storeSync(at, 7, "u32"), 4),
  "raw fetchAddSync u32": each((at) => raw.fetchAddSync(at, 1, "u32"), 4),
  "raw fetchAddSync i64": each((at) => raw.fetchAddSync(at, 1n, "i64"), 8),
  "raw getSync 8 B": each((at) => raw.getSync(at, word), 8),
  "raw putSync 8 B": each((at) => raw.putSync(at, word), 8),
  "raw getSync 4 KiB": each((at) => raw.getSync(at, block), 4096),
  "raw putSync 4 KiB": each((at) => raw.putSync(at, block), 4096),
  "managed getSync 8 B": each((at) => managed.getSync(at, word), 8),
  "managed batch of gets": batched(managed, "get"),
  "tcp batch of gets": batched(tcp, "get"),
  "tcp batch of puts": batched(tcp, "put"),
};
const all = Object.entries(loads);
for (let round = 0; round < 40; round += 1) for (const [, load] of all) load(512);
// From here on whatever turns out other than the engine assumed is written out.
setFlagsFromString("--trace-deopt");
setFlagsFromString("--trace-gc");
const countOf = (name: string): number =>
  Math.ceil((counts.allocating.includes(name) ? counts.fewer : counts.each) / TURNS / DEPTH) * DEPTH;
const allocated = new Float64Array(all.length);
memoryUsage();
for (let turn = 0; turn < TURNS; turn += 1) {
  for (const [i, [name, load]] of all.entries()) {
    const count = countOf(name);
    const before = memoryUsage().heapUsed;
    load(count);
    allocated[i] = (allocated[i] as number) + memoryUsage().heapUsed - before;
  }
}
const results = all.map(([name], i) => ({ name, operations: countOf(name) * TURNS, bytes: allocated[i] }));
writeSync(1, `\nRESULT ${JSON.stringify(results)}\n`);
/** Code that is thrown away once its argument is of another kind, to show that it would be said. */
function canary(value: unknown): unknown {
  return (value as number) + 1;
}
for (let i = 0; i < 2_000_000; i += 1) canary(i);
canary("a word");
// Nothing is closed: that would be traced too.
process.exit(0);
