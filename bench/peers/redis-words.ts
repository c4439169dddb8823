import type { BlockSetup } from "../blocks/block-case.ts";
import { patternBytes } from "../blocks/pattern.ts";
import type { Moves } from "../blocks/walk.ts";
import { type Exchange, openExchange } from "./exchange.ts";
import { OK_ANSWER_BYTES, respCommand, VALUE_ANSWER_BYTES, VALUE_AT, wordKey } from "./resp.ts";

/** A connection to the Redis server at `parameters.port`, which holds the pattern, a key for each word. */
export async function openRedisWords({ pattern, parameters }: BlockSetup, moves: Moves): Promise<Exchange> {
  const exchange = await openExchange(parameters.port as number);
  const values = patternBytes(pattern);
  const answer = new Uint8Array(OK_ANSWER_BYTES);
  for (let word = 0; word < values.byteLength / 8; word++) {
    await exchange.run(
      respCommand("SET", wordKey(moves, word), values.subarray(word * 8, word * 8 + 8)),
      answer,
    );
  }
  return exchange;
}

/** Every word as Redis has it now. */
export async function redisBytes(exchange: Exchange, moves: Moves, words: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(words * 8);
  const answer = new Uint8Array(VALUE_ANSWER_BYTES);
  for (let word = 0; word < words; word++) {
    await exchange.run(respCommand("GET", wordKey(moves, word)), answer);
    bytes.set(answer.subarray(VALUE_AT, VALUE_AT + 8), word * 8);
  }
  return bytes;
}
