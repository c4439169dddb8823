/** Redis GET of 8 bytes, awaited one at a time, by a client that does nothing else: commands are made beforehand. */

import { openRedisWords, redisBytes } from "../peers/redis-words.ts";
import { respCommand, VALUE_ANSWER_BYTES, VALUE_AT, wordKey } from "../peers/resp.ts";
import { wordCase } from "../words/word-case.ts";

export const open = wordCase(async (setup) => {
  const exchange = await openRedisWords(setup, "get");
  const commands = Array.from({ length: setup.words }, (_, word) => respCommand("GET", wordKey("get", word)));
  const answer = Buffer.alloc(VALUE_ANSWER_BYTES);
  return {
    step: (word) => exchange.run(commands[word] as Buffer, answer),
    seen: () => answer.readInt32LE(VALUE_AT),
    bytes: () => redisBytes(exchange, "get", setup.words),
    close: async () => exchange.close(),
  };
});
