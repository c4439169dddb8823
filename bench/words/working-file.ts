import type { Cluster, DidafsWindow, Transport } from "../../src/client/api.ts";
import { connect } from "../../src/runtime/connect.ts";
import type { ClusterAddress } from "../harness/case.ts";
import { patternBytes } from "./pattern.ts";
import type { PromiseCase, SyncCase, WordSetup } from "./word-case.ts";

/** A file of the throw-away cluster, as wide as the case's working set, in a window as the case's parameters say. */
export interface WorkingFile {
  readonly window: DidafsWindow;
  /** The file's bytes as another connection reads them over TCP: from the target, not from a mapping in this process. */
  targetBytes(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Makes the file `parameters.path`, fills it with the pattern over TCP, and opens a window on it: `parameters.transport`,
 * `parameters.sharing`, `parameters.rights`.
 */
export async function openWorkingFile(setup: WordSetup): Promise<WorkingFile> {
  const { path, transport, sharing, rights } = setup.parameters as unknown as {
    readonly path: string;
    readonly transport: Transport;
    readonly sharing: "managed" | "raw";
    readonly rights: "r" | "rw";
  };
  const size = setup.words * 8;
  const { url, keyHex } = setup.cluster as ClusterAddress;
  const key = Buffer.from(keyHex, "hex");
  const join = (by: Transport): Promise<Cluster> => connect(url, { key, transport: by });
  await fill(await join("tcp"), setup, path, sharing);
  const cluster = await join(transport);
  const file = await cluster.open(path);
  const window = await file.window({ rights, sharing });
  const wanted = transport === "tcp" ? "tcp" : "direct";
  if (window.locality !== wanted) throw new Error(`the window is ${window.locality}, not ${wanted}`);
  return {
    window,
    async targetBytes() {
      // Not kept open: an idle connection still wakes up now and then, and would disturb the other cases.
      await using aside = await join("tcp");
      const reading = await (await aside.open(path)).window({ sharing });
      return await reading.get(0, new Uint8Array(size));
    },
    close: () => cluster.close(),
  };
}

async function fill(
  cluster: Cluster,
  setup: WordSetup,
  path: string,
  sharing: "managed" | "raw",
): Promise<void> {
  await using aside = cluster;
  const file = await aside.open(path, { create: "exclusive", size: setup.words * 8, targets: 1 });
  const window = await file.window({ rights: "rw", sharing });
  await window.put(0, patternBytes(setup.pattern));
}

/** Every word of the working set, as the measured operation reads it. @param seen the word read last */
export async function readByCase(
  bench: Pick<SyncCase, "batch"> | Pick<PromiseCase, "step">,
  words: number,
  seen: Uint8Array,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(words * 8);
  for (let word = 0; word < words; word++) {
    if ("batch" in bench) bench.batch(word, 1);
    else await bench.step(word);
    bytes.set(seen, word * 8);
  }
  return bytes;
}
