import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { connect, type DidafsFile, type DidafsWindow, isDidafsError } from "../../src/index.ts";
import { BlockWriter, EXPECTED } from "../blocks/block-writer.ts";
import { fileBytes, type Place, STRIPE_UNIT } from "../blocks/place.ts";
import { Access, runProcess } from "./process.ts";

const CALL_MS = 5_000;
const REOPEN_MS = 20_000;
const RETRY_MS = 20;

const Plan = v.object({
  ...Access,
  path: v.string(),
  /** Acknowledged blocks are noted here. */
  journal: v.string(),
  slots: v.number(),
  targets: v.number(),
});

/** Told each time that a round's puts have been issued. */
export interface WriterNews {
  /** Blocks of earlier rounds. */
  readonly acknowledged: number;
  /** Times that the file was opened again after an error. */
  readonly reopened: number;
}

export interface WriteResult {
  readonly blocks: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly reopened: number;
  /** Blocks that ended with an error, by its code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Vain attempts to open the file again, by their errors' codes. */
  readonly refused: Readonly<Record<string, number>>;
  readonly doubtful: readonly Place[];
}

/** Writes blocks until it is told to stop; when a target dies, it opens the file again and goes on. */
runProcess(Plan, async (plan, parent): Promise<WriteResult> => {
  await using cluster = await connect(plan.url, { keyFile: plan.keyFile, timeoutMs: CALL_MS });
  const { path, slots, targets } = plan;
  const size = fileBytes(slots);
  await (await cluster.open(path, { create: "exclusive", size, stripeUnit: STRIPE_UNIT, targets })).close();
  const open = (): Promise<DidafsFile> => cluster.open(path);
  const writer = new BlockWriter(plan.journal, slots);
  let reopened = 0;
  const tell = (): void => {
    parent.tell({ acknowledged: writer.acknowledged, reopened } satisfies WriterNews);
  };
  const startMs = performance.now();
  const refused: Record<string, number> = {};
  let [file, window] = await openWindow(open, refused);
  while (!parent.stopping.aborted) {
    if (await writer.round(window, tell)) continue;
    await file.close().catch(() => {});
    [file, window] = await openWindow(open, refused);
    reopened += 1;
  }
  const { acknowledged, bytes, failed, doubtful } = writer;
  const seconds = (performance.now() - startMs) / 1000;
  return { blocks: acknowledged, bytes, seconds, reopened, failed, refused, doubtful };
});

/** Tries until the target is back. @throws the last error at the deadline */
async function openWindow(
  open: () => Promise<DidafsFile>,
  refused: Record<string, number>,
): Promise<[DidafsFile, DidafsWindow]> {
  const endMs = performance.now() + REOPEN_MS;
  for (;;) {
    let file: DidafsFile | undefined;
    try {
      file = await open();
      return [file, await file.window({ rights: "rw" })];
    } catch (error) {
      await file?.close().catch(() => {});
      if (!isDidafsError(error, ...EXPECTED) || performance.now() > endMs) throw error;
      refused[error.code] = (refused[error.code] ?? 0) + 1;
    }
    await sleep(RETRY_MS);
  }
}
