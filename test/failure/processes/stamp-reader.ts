import type { DidafsFile, DidafsWindow } from "../../../src/index.ts";
import { SLOTS, stampAt, writeOfStamp } from "../blocks.ts";
import { type Client, type ClientPlan, runClient } from "./client.ts";

export interface ReaderPlan extends ClientPlan {
  readonly path: string;
  readonly sharing: "managed" | "raw";
}

/** Reads a writer's stamps all the time: none is ever torn, and none goes back. */
runClient<ReaderPlan, never>(async (plan, client) => {
  const seen = new Array<number>(SLOTS).fill(0);
  while (!client.stopping) {
    const opened = await client.until("opening the file to read", () => open(plan, client), 4);
    if (opened === undefined) break;
    const [file, window] = opened;
    let going = true;
    for (let slot = 0; going && !client.stopping; slot = (slot + 1) % SLOTS) {
      const outcome = await client.try("reading", () => window.load(stampAt(slot)));
      going = "result" in outcome;
      if ("error" in outcome) continue;
      const write = writeOfStamp(slot, outcome.result);
      if (write === undefined) throw new Error(`slot ${slot}: ${outcome.result} is no stamp of it`);
      if (write < (seen[slot] as number)) {
        throw new Error(`slot ${slot}: write ${write} was read after write ${seen[slot]}`);
      }
      seen[slot] = write;
      client.done();
    }
    await client.try("closing", () => file.close(), 3);
  }
});

async function open(
  { path, sharing }: ReaderPlan,
  { cluster }: Client<never>,
): Promise<[DidafsFile, DidafsWindow]> {
  const file = await cluster.open(path, { rights: "r" });
  try {
    return [file, await file.window({ sharing })];
  } catch (error) {
    await file.close();
    throw error;
  }
}
