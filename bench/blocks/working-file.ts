import type { Cluster, DidafsWindow, Transport } from "../../src/client/api.ts";
import { connect } from "../../src/runtime/connect.ts";
import type { ClusterAddress } from "../harness/case.ts";
import type { BlockSetup } from "./block-case.ts";
import { patternBytes } from "./pattern.ts";

/** A window on a file of the throw-away cluster, by a connection of its own. */
export interface WorkingWindow {
  readonly window: DidafsWindow;
  close(): Promise<void>;
}

/** The file is as wide as the case's working set. */
export interface WorkingFile extends WorkingWindow {
  /** The file's bytes as another connection reads them over TCP: from the target, not from a mapping in this process. */
  targetBytes(): Promise<Uint8Array>;
}

/** What `parameters` say of it. */
interface FileParameters {
  readonly path: string;
  readonly transport: Transport;
  readonly sharing: "managed" | "raw";
  readonly rights: "r" | "rw";
  /** Targets that the file is spread over evenly. */
  readonly targets: number;
}

/**
 * Makes the file `parameters.path`, fills it with the pattern over TCP, and opens a window on it: `parameters.transport`,
 * `parameters.sharing`, `parameters.rights`.
 */
export async function openWorkingFile(setup: BlockSetup): Promise<WorkingFile> {
  const { path, sharing } = parametersOf(setup);
  await fill(setup);
  return {
    ...(await openWorkingWindow(setup)),
    async targetBytes() {
      // Not kept open: an idle connection still wakes up now and then, and would disturb the other cases.
      await using aside = await join(setup, "tcp");
      const reading = await (await aside.open(path)).window({ sharing });
      return await reading.get(0, new Uint8Array(setup.pattern.byteLength));
    },
  };
}

/** One more window on the file. */
export async function openWorkingWindow(setup: BlockSetup): Promise<WorkingWindow> {
  const { path, transport, sharing, rights } = parametersOf(setup);
  const cluster = await join(setup, transport);
  const file = await cluster.open(path);
  const window = await file.window({ rights, sharing });
  const wanted = transport === "tcp" ? "tcp" : "direct";
  if (window.locality !== wanted) throw new Error(`the window is ${window.locality}, not ${wanted}`);
  return { window, close: () => cluster.close() };
}

function parametersOf({ parameters }: BlockSetup): FileParameters {
  return parameters as unknown as FileParameters;
}

function join({ cluster }: BlockSetup, transport: Transport): Promise<Cluster> {
  const { url, keyHex } = cluster as ClusterAddress;
  return connect(url, { key: Buffer.from(keyHex, "hex"), transport });
}

async function fill(setup: BlockSetup): Promise<void> {
  const { path, sharing, targets } = parametersOf(setup);
  const size = setup.pattern.byteLength;
  await using aside = await join(setup, "tcp");
  const spread = targets === 1 ? {} : { stripeUnit: size / targets };
  const file = await aside.open(path, { create: "exclusive", size, targets, ...spread });
  const served = new Set(file.layout.regions.map(({ target }) => target)).size;
  if (served !== targets) throw new Error(`${served} targets serve the file, not ${targets}`);
  const window = await file.window({ rights: "rw", sharing });
  await window.put(0, patternBytes(setup.pattern));
}
