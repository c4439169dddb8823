/** A process of its own that hammers words of /hammer, started by shared-words.test.ts. */
import { connect, type Transport } from "../../src/index.ts";

const [transport, sharing, job, countText] = process.argv.slice(2) as [
  Transport,
  "raw" | "managed",
  string,
  string,
];
const count = Number(countText);
await using cluster = await connect(undefined, { transport });
await using file = await cluster.open("/hammer");
await using window = await file.window({ rights: "rw", sharing });

/** Both patterns differ in each half, so a mix of two writes shows. */
const A = 0x0123456789abcdefn;
const B = 0x7edcba9876543210n;

switch (job) {
  case "add":
    for (let i = 0; i < count; i++) {
      window.fetchAddSync(0, 1);
      window.fetchOpSync("add", 8, -3n);
      window.fetchAddSync(16, 1, "u32");
      if (i % 16 === 0) await window.fetchAdd(24, 0.5, "f64");
    }
    break;
  case "alternate":
    for (let i = 0; i < count; i++) {
      window.storeSync(64, i % 2 === 0 ? A : B);
      if (i % 64 === 0) await window.store(64, A);
    }
    break;
  case "watch": {
    const into = new BigInt64Array(1);
    let mixed = 0;
    const note = (value: bigint): void => {
      if (value !== A && value !== B && value !== 0n) mixed += 1;
    };
    for (let i = 0; i < count; i++) {
      note(window.loadBigSync(64));
      window.getSync(64, into);
      note(into[0] as bigint);
    }
    console.log(mixed);
    break;
  }
}
