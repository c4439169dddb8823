import type { Cluster, DidafsWindow } from "../../src/client/api.ts";
import { connect } from "../../src/runtime/connect.ts";
import type { ClusterAddress } from "../harness/case.ts";
import { parametersOf, type SideSetup } from "./side.ts";

/** Two files of the throw-away cluster, one for the blocks of each side: who maps one maps all of it. */
export interface SharedFiles {
  /** This side's, to be written. */
  readonly mine: DidafsWindow;
  /** The other side's. */
  readonly theirs: DidafsWindow;
  /** The other side's as another connection reads it over TCP: from the target, not from a mapping. */
  theirBytes(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The first side makes the files. */
export async function openSharedFiles(setup: SideSetup): Promise<SharedFiles> {
  const { path, transport, sharing, workingBytes: size } = parametersOf(setup);
  const isFirst = setup.firstAddress === undefined;
  const names = [0, 1].map((side) => `${path}-${setup.blockBytes}-${side}`);
  const [mineName, theirName] = (isFirst ? names : names.toReversed()) as [string, string];
  const cluster = await join(setup, transport);
  const create = isFirst ? ({ create: "exclusive", size, targets: 1 } as const) : {};
  const mine = await (await cluster.open(mineName, create)).window({ rights: "rw", sharing });
  // Only who may write, too, reads his notifications from the region's board.
  const rights = sharing === "raw" ? "rw" : "r";
  const theirs = await (await cluster.open(theirName, create)).window({ rights, sharing });
  if (mine.locality !== transport) throw new Error(`the window is ${mine.locality}, not ${transport}`);
  return {
    mine,
    theirs,
    async theirBytes() {
      // Not kept open: an idle connection still wakes up now and then, and would disturb other cases.
      await using aside = await join(setup, "tcp");
      const window = await (await aside.open(theirName)).window({ sharing });
      return await window.get(0, new Uint8Array(size));
    },
    close: () => cluster.close(),
  };
}

function join({ cluster }: SideSetup, transport: "direct" | "tcp"): Promise<Cluster> {
  const { url, keyHex } = cluster as ClusterAddress;
  return connect(url, { key: Buffer.from(keyHex, "hex"), transport });
}
