import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { RegionAccess } from "../transport/access.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import { wordValue } from "../transport/word-value.ts";
import { toKindOf } from "./operands.ts";

const I64 = 0;
const F64 = 4;

/** A target is asked anew after so long: whoever is gone leaves it nothing for longer, and a store of which nobody told is seen. */
const ASK_AGAIN_MS = 30_000;

/** The word that is waited for, and how. */
export interface WordWaitParts {
  /** How errors name it. */
  readonly path: string;
  readonly at: number;
  readonly access: RegionAccess;
  /** Where it lies there. */
  readonly offset: number;
  /** See structs/words.ts. */
  readonly word: number;
  readonly limits: CallLimits;
  isOpen(): boolean;
}

/**
 * Loads the word, and asks for the next value with the one that was seen, until `isIt` says so. What that throws is passed on.
 * @param bigint values are bigints, not numbers
 * @throws ERR_TIMEOUT, ERR_ABORTED, ERR_CLOSED, ERR_TOO_MANY, ERR_RANGE, ERR_REVOKED, ERR_SESSION_LOST, ERR_UNSAFE_INTEGER
 */
export async function waitUntil<V extends number | bigint>(
  parts: WordWaitParts,
  isIt: (value: V) => boolean,
  bigint: boolean,
): Promise<V> {
  const { access, offset, word, limits } = parts;
  if (typeof isIt !== "function" || (bigint && word === F64)) {
    const why = "waitUntil takes a function of the word's value, and no float has one that is a bigint";
    throw new DidafsError("ERR_INVALID_ARGUMENT", why);
  }
  const { clock } = access.link;
  const endMs = clock.nowMs() + limits.timeoutMs;
  // Of a float the bits are compared, and NaNs are not all the same.
  const kind = word === F64 ? I64 : word;
  let seen = await orFailure(parts, access.load(kind, offset, limits));
  for (;;) {
    const value = word === F64 ? floatOf(seen as bigint) : seen;
    const given = toKindOf(word, (bigint ? 0n : 0) as V, value) as V;
    if (isIt(given)) return given;
    const leftMs = endMs - clock.nowMs();
    if (leftMs <= 0) throw timeout(parts);
    const waitMs = Math.min(leftMs, ASK_AGAIN_MS);
    const asked = access.waitWord(kind, offset, seen, waitMs, { ...limits, timeoutMs: leftMs });
    seen = (await orFailure(parts, asked)) ?? seen;
  }
}

/** The same error, saying what it means here. */
async function orFailure<T>(parts: WordWaitParts, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!isDidafsError(error)) throw error;
    if (!parts.isOpen()) throw new DidafsError("ERR_CLOSED", "the window is closed", { cause: error });
    if (error.code === "ERR_TIMEOUT") throw timeout(parts, error);
    const { path, at } = parts;
    const { code, message, target } = error;
    throw new DidafsError(code, `${path}: the wait for the word at ${at}: ${message}`, {
      path,
      target,
      cause: error,
    });
  }
}

function timeout({ path, at, limits }: WordWaitParts, cause?: unknown): DidafsError {
  const text = `${path}: the word at ${at} was not what is waited for within ${Math.ceil(limits.timeoutMs)} ms`;
  return new DidafsError("ERR_TIMEOUT", text, { path, cause });
}

function floatOf(bits: bigint): number {
  const low = Number(BigInt.asIntN(32, bits));
  const high = Number(BigInt.asIntN(32, bits >> 32n));
  return wordValue(F64, low, high) as number;
}
