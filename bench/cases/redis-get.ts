/** Redis GET of 8 bytes, awaited one at a time, by a client that does nothing else: commands are made beforehand. */
import { blockCase } from "../blocks/block-case.ts";
import { openRedisWords, redisBytes } from "../peers/redis-words.ts";
import { respCommand, VALUE_ANSWER_BYTES, VALUE_AT, wordKey } from "../peers/resp.ts";

export const open = blockCase(async (setup) => {
  const exchange = await openRedisWords(setup, "get");
  return {
    along({ blocks }) {
      const commands = Array.from({ length: blocks }, (_, word) => respCommand("GET", wordKey("get", word)));
      const answer = Buffer.alloc(VALUE_ANSWER_BYTES);
      return {
        step: (word) => exchange.run(commands[word] as Buffer, answer),
        seen: () => answer.readInt32LE(VALUE_AT),
        bytes: () => redisBytes(exchange, "get", blocks),
      };
    },
    close: async () => exchange.close(),
  };
});
