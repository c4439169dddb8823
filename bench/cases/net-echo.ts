/** 8 bytes to another process and back with Node's `net` on both sides. */
import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { OpenCase, PromiseCase } from "../harness/case.ts";
import { patternBytes } from "../harness/pattern.ts";
import { openExchange } from "../peers/exchange.ts";
import { readByCase } from "./working-file.ts";

export const open: OpenCase = async ({ words, pattern }) => {
  const server = fork(
    new URL(`../peers/echo-server${path.extname(import.meta.filename)}`, import.meta.url),
    [],
    { execArgv: [] },
  );
  const [port] = (await once(server, "message")) as [number];
  const exchange = await openExchange(port);
  const messages = patternBytes(pattern);
  const into = new Int32Array(2);
  const bytes = new Uint8Array(into.buffer);
  const step = (word: number): Promise<void> =>
    exchange.run(messages.subarray(word * 8, word * 8 + 8), bytes);
  const bench: PromiseCase = {
    step,
    seen: () => into[0] as number,
    bytes: () => readByCase({ step }, words, bytes),
    async close() {
      exchange.close();
      server.disconnect();
      await once(server, "exit");
    },
  };
  return bench;
};
