import type { Cluster, DidafsWindow } from "../../src/client/api.ts";
import { connect } from "../../src/runtime/connect.ts";
import type { CaseSetup, ClusterAddress } from "../harness/case.ts";
import { type CounterParameters, WORD_BYTES } from "./words.ts";

/** A file of the throw-away cluster that begins with a word to add to. */
const FILE_BYTES = 4096;

/** The word, in a window of this process. */
export interface Counter {
  readonly window: DidafsWindow;
  /** Adds one to the word `count` times. @returns the sum, modulo 2^32, of the values before */
  add(count: number): number;
  close(): Promise<void>;
}

/** Makes the file `parameters.path`. */
export async function makeCounter(setup: CaseSetup): Promise<void> {
  const { path } = setup.parameters as unknown as CounterParameters;
  await using cluster = await join(setup);
  await using _ = await cluster.open(path, { create: "exclusive", size: FILE_BYTES, targets: 1 });
}

/** Opens the word of a file that is there, on the same host. */
export async function openCounter(setup: CaseSetup): Promise<Counter> {
  const { path, sharing, word } = setup.parameters as unknown as CounterParameters;
  const cluster = await join(setup);
  const file = await cluster.open(path);
  const window = await file.window({ rights: "rw", sharing });
  if (window.locality !== "direct") throw new Error(`the window is ${window.locality}, not direct`);
  return {
    window,
    add(count) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum = (sum + window.fetchAddSync(0, 1, word)) | 0;
      return sum;
    },
    close: () => cluster.close(),
  };
}

/** The word as the target gives it, not as a mapping of this process does. */
export async function targetWord(setup: CaseSetup): Promise<Uint8Array> {
  const { path, sharing, word } = setup.parameters as unknown as CounterParameters;
  await using cluster = await join(setup, "tcp");
  const window = await (await cluster.open(path)).window({ sharing });
  return await window.get(0, new Uint8Array(WORD_BYTES[word]));
}

function join(setup: CaseSetup, transport: "direct" | "tcp" = "direct"): Promise<Cluster> {
  const { url, keyHex } = setup.cluster as ClusterAddress;
  return connect(url, { key: Buffer.from(keyHex, "hex"), transport });
}
