/** Redis MULTI, SET of two words, EXEC, sent at once and awaited; only values are put into commands made beforehand. */
import { blockCase } from "../blocks/block-case.ts";
import { wordPairs } from "../epochs/word-pairs.ts";
import { openRedisWords, redisBytes } from "../peers/redis-words.ts";
import { respCommand, VALUE_FROM_END, wordKey } from "../peers/resp.ts";

const MULTI = respCommand("MULTI");
const EXEC = respCommand("EXEC");
/** One that was refused is as long as none of these, so it would be waited for in vain. */
const DONE = "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n";

export const open = blockCase(async (setup) => {
  const exchange = await openRedisWords(setup, "put");
  const { pairOf } = wordPairs(setup.pattern);
  return {
    along({ blocks: pairs }) {
      const empty = new Uint8Array(8);
      const set = (word: number): Buffer => respCommand("SET", wordKey("put", word), empty);
      const transactions = Array.from({ length: pairs }, (_, pair) => {
        const sets = [set(pair), set(pairs + pair)] as const;
        const firstAt = MULTI.byteLength + sets[0].byteLength - VALUE_FROM_END;
        const secondAt = firstAt + sets[1].byteLength;
        return { commands: Buffer.concat([MULTI, ...sets, EXEC]), firstAt, secondAt };
      });
      const answer = Buffer.alloc(DONE.length);
      return {
        async step(pair) {
          const { commands, firstAt, secondAt } = transactions[pair] as (typeof transactions)[number];
          const [first, second] = pairOf(pair);
          commands.set(first, firstAt);
          commands.set(second, secondAt);
          await exchange.run(commands, answer);
          if (answer.toString("latin1") !== DONE) throw new Error(`Redis answered ${answer}`);
        },
        seen: () => 0,
        bytes: () => redisBytes(exchange, "put", pairs * 2),
      };
    },
    close: async () => exchange.close(),
  };
});
