import type { DidafsFile, DidafsWindow, EpochAccess } from "../../../src/index.ts";
import {
  GROUPED_BYTES,
  type GroupRecord,
  groupFault,
  placesOf,
  STRIPE_UNIT,
  TARGETS,
} from "../epoch-groups.ts";
import { type Client, type ClientPlan, runClient } from "./client.ts";

export interface EpochWriterPlan extends ClientPlan {
  readonly path: string;
  /** What the writer before it was told, of whom nothing is left but its file. */
  readonly groups: readonly GroupRecord[];
}

export type EpochNote =
  | { readonly group: number; readonly begun: number }
  | { readonly group: number; readonly acknowledged: number }
  | { readonly group: number; readonly void: number };

/**
 * Writes each group in epochs, all its words the same, and opens the file anew after each error. Each epoch first holds what
 * is there against what was acknowledged: what a target lost would else be written over.
 */
runClient<EpochWriterPlan, EpochNote>(async ({ path, groups }, client) => {
  while (!client.stopping) {
    const opened = await client.until("opening the file", () => open(path, client), 4);
    if (opened === undefined) break;
    const [file, window] = opened;
    await Promise.all(groups.map((record, group) => write(window, group, record, client)));
    await client.try("closing", () => file.close(), 3);
  }
});

async function open(path: string, { cluster }: Client<EpochNote>): Promise<[DidafsFile, DidafsWindow]> {
  const size = GROUPED_BYTES;
  const file = await cluster.open(path, { create: true, size, targets: TARGETS, stripeUnit: STRIPE_UNIT });
  try {
    return [file, await file.window({ rights: "rw" })];
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Until an epoch fails by more than a conflict. */
async function write(
  window: DidafsWindow,
  group: number,
  record: GroupRecord,
  client: Client<EpochNote>,
): Promise<void> {
  while (!client.stopping) {
    const before = { ...record };
    const stamp = record.begun + 1;
    record.begun = stamp;
    client.note({ group, begun: stamp });
    const epoch = (): Promise<number[]> =>
      window.epoch({ durability: "stable" }, (on) => writeAll(on, group, stamp));
    const outcome = await client.try("an epoch", epoch, 2);
    if ("error" in outcome) {
      const { applied, code } = outcome.error;
      if (applied === "no") {
        record.void.push(stamp);
        client.note({ group, void: stamp });
      }
      if (code === "ERR_EPOCH_CONFLICT") continue;
      return;
    }
    const fault = groupFault(group, outcome.result, before);
    if (fault !== undefined) throw new Error(fault);
    record.acknowledged = stamp;
    record.void = [];
    client.done({ group, acknowledged: stamp });
  }
}

/** @returns what was there */
async function writeAll(epoch: EpochAccess, group: number, stamp: number): Promise<number[]> {
  const found: number[] = [];
  for (const at of placesOf(group)) {
    found.push(await epoch.load(at));
    await epoch.store(at, stamp);
  }
  return found;
}
