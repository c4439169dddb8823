/** 8 bytes to another process and back with Node's `net` on both sides. */
import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { openExchange } from "../peers/exchange.ts";
import { patternBytes } from "../words/pattern.ts";
import { wordCase } from "../words/word-case.ts";
import { readByCase } from "../words/working-file.ts";

export const open = wordCase(async ({ words, pattern }) => {
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
  return {
    step,
    seen: () => into[0] as number,
    bytes: () => readByCase({ step }, words, bytes),
    async close() {
      exchange.close();
      server.disconnect();
      await once(server, "exit");
    },
  };
});
