/** Redis SET of 8 bytes, awaited one at a time; only the value is put into a command that was made beforehand. */
import { blockCase } from "../blocks/block-case.ts";
import { patternBytes } from "../blocks/pattern.ts";
import { openRedisWords, redisBytes } from "../peers/redis-words.ts";
import { OK_ANSWER_BYTES, respCommand, VALUE_FROM_END, wordKey } from "../peers/resp.ts";

export const open = blockCase(async (setup) => {
  const exchange = await openRedisWords(setup, "put");
  const values = patternBytes(setup.pattern);
  return {
    along({ blocks }) {
      const empty = new Uint8Array(8);
      const commands = Array.from({ length: blocks }, (_, word) =>
        respCommand("SET", wordKey("put", word), empty),
      );
      const answer = new Uint8Array(OK_ANSWER_BYTES);
      return {
        step(word) {
          const command = commands[word] as Buffer;
          command.set(values.subarray(word * 8, word * 8 + 8), command.byteLength - VALUE_FROM_END);
          return exchange.run(command, answer);
        },
        seen: () => 0,
        bytes: () => redisBytes(exchange, "put", blocks),
      };
    },
    close: async () => exchange.close(),
  };
});
