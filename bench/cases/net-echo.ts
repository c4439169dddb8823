/** 8 bytes to another process and back with Node's `net` on both sides. */
import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { blockCase } from "../blocks/block-case.ts";
import { patternBytes } from "../blocks/pattern.ts";
import { readBySteps, slotsOf } from "../blocks/read-back.ts";
import { openExchange } from "../peers/exchange.ts";

export const open = blockCase(async ({ pattern }) => {
  const server = fork(
    new URL(`../peers/echo-server${path.extname(import.meta.filename)}`, import.meta.url),
    [],
    { execArgv: [] },
  );
  const [port] = (await once(server, "message")) as [number];
  const exchange = await openExchange(port);
  const messages = patternBytes(pattern);
  return {
    along(walk) {
      const { halves, bytes } = slotsOf(walk);
      const step = (block: number): Promise<void> =>
        exchange.run(messages.subarray(block * 8, block * 8 + 8), bytes[0] as Uint8Array);
      return {
        step,
        seen: () => halves[0]?.[0] as number,
        bytes: () => readBySteps({ step }, walk, bytes),
      };
    },
    async close() {
      exchange.close();
      server.disconnect();
      await once(server, "exit");
    },
  };
});
