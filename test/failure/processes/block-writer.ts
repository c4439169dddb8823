import type { DidafsFile, DidafsWindow } from "../../../src/index.ts";
import { SimRandom } from "../../../src/sim/random.ts";
import {
  block,
  blockAt,
  FILE_BYTES,
  newRecords,
  SLOTS,
  type SlotRecord,
  STRIPE_UNIT,
  slotFault,
  stamp,
  stampAt,
} from "../blocks.ts";
import { type Client, type ClientPlan, runClient } from "./client.ts";

export interface WriterPlan extends ClientPlan {
  readonly path: string;
  readonly sharing: "managed" | "raw";
  readonly targets: number;
  /** Use the Sync forms. */
  readonly sync: boolean;
}

type Writes = readonly (readonly [slot: number, write: number])[];

export type WriterNote = { readonly begun: Writes } | { readonly acknowledged: Writes };

const BATCH_MAX = 4;

/**
 * Writes blocks, each with its stamp, and flushes them stable; opens the file anew after each error, and holds what it finds
 * there against what was acknowledged, before it writes over any of it.
 */
runClient<WriterPlan, WriterNote>(async (plan, client) => {
  const random = new SimRandom(plan.seed);
  const records = newRecords();
  while (!client.stopping) {
    const opened = await client.until("opening the file to write", () => open(plan, client), 4);
    if (opened === undefined) break;
    const [file, window] = opened;
    let going = await isRead(window, plan, records, client);
    while (going && !client.stopping) {
      const writes = Array.from({ length: random.between(1, BATCH_MAX) }, () => {
        const slot = random.between(0, SLOTS - 1);
        const record = records[slot] as SlotRecord;
        record.begun += 1;
        return [slot, record.begun] as const;
      });
      client.note({ begun: writes });
      const outcome = await client.try("writing", () => (plan.sync ? writeSync : write)(window, writes), 2);
      going = "result" in outcome;
      if (!going) continue;
      const acknowledged = lastOfEach(writes);
      for (const [slot, write] of acknowledged) (records[slot] as SlotRecord).acknowledged = write;
      client.done({ acknowledged });
    }
    await client.try("closing", () => file.close(), 3);
  }
});

async function open(
  { path, targets, sharing }: WriterPlan,
  { cluster }: Client<WriterNote>,
): Promise<[DidafsFile, DidafsWindow]> {
  const file = await cluster.open(path, { create: true, size: FILE_BYTES, targets, stripeUnit: STRIPE_UNIT });
  try {
    return [file, await file.window({ rights: "rw", sharing })];
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** @returns whether the file could be read @throws when it is not as it must be */
async function isRead(
  window: DidafsWindow,
  { sync }: WriterPlan,
  records: readonly SlotRecord[],
  client: Client<WriterNote>,
): Promise<boolean> {
  const bytes = new Uint8Array(FILE_BYTES);
  const outcome = await client.try("reading what was written", () =>
    sync ? window.getSync(0, bytes) : window.get(0, bytes),
  );
  if ("error" in outcome) return false;
  for (const [slot, record] of records.entries()) {
    const fault = slotFault(bytes, slot, record);
    if (fault !== undefined) throw new Error(fault);
  }
  return true;
}

async function write(window: DidafsWindow, writes: Writes): Promise<void> {
  const puts = writes.flatMap(([slot, number]) => [
    window.put(blockAt(slot), block(slot, number)),
    window.store(stampAt(slot), stamp(slot, number)),
  ]);
  for (const put of await Promise.allSettled(puts)) if (put.status === "rejected") throw put.reason;
  await window.flush("stable");
}

function writeSync(window: DidafsWindow, writes: Writes): void {
  for (const [slot, number] of writes) {
    window.putSync(blockAt(slot), block(slot, number));
    window.storeSync(stampAt(slot), stamp(slot, number));
  }
  window.flushSync("stable");
}

/** A slot that was written twice has the later block. */
function lastOfEach(writes: Writes): Writes {
  return [...new Map(writes)];
}
