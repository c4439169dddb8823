import {
  ATOMICITY,
  CONSISTENCY,
  DURABILITY,
  type EpochClass,
  ISOLATION,
  judge,
} from "../epoch/epoch-class.ts";
import { DidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type { CallOptions, EpochOptions, EpochRange } from "./api.ts";
import { callLimits, checkOneOf } from "./call-limits.ts";
import type { EpochWindow } from "./epoch-window.ts";

const RETRIES_MAX = 1_000_000;

/** What an epoch promises, and how long it may take: EpochOptions, judged. */
export interface EpochTerms {
  /** Where the durability was not chosen, it is the strongest, and weakened by windows that cannot give it. */
  readonly asked: EpochClass;
  readonly durabilityIsChosen: boolean;
  readonly ranges: readonly EpochRange[] | undefined;
  readonly retries: number;
  /** Of each access and of the close, where the access does not say otherwise. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws ERR_INVALID_EPOCH, ERR_NOT_SUPPORTED, ERR_INVALID_ARGUMENT */
export function epochTerms(options: EpochOptions, defaultTimeoutMs: number): EpochTerms {
  const { atomicity = "all", consistency = "release", isolation = "serializable" } = options;
  const { durability = "stable", retries = 0, ranges } = options;
  checkOneOf("atomicity", atomicity, ATOMICITY);
  checkOneOf("consistency", consistency, CONSISTENCY);
  checkOneOf("isolation", isolation, ISOLATION);
  checkOneOf("durability", durability, DURABILITY);
  if (!(Number.isInteger(retries) && retries >= 0 && retries <= RETRIES_MAX)) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `retries is an integer from 0 to ${RETRIES_MAX}, not ${retries}`,
    );
  }
  const { timeoutMs, signal } = callLimits(options, defaultTimeoutMs);
  const judgement = judge({ atomicity, consistency, isolation, durability });
  if (judgement.kind === "invalid") {
    const what = `atomicity "${atomicity}", consistency "${consistency}", isolation "${isolation}"`;
    throw new DidafsError("ERR_INVALID_EPOCH", `no epoch has ${what}: ${judgement.why}`);
  }
  if (durability === "replicated") {
    throw new DidafsError(
      "ERR_NOT_SUPPORTED",
      `this version keeps no copies of files on other targets; durability "stable" is the strongest`,
    );
  }
  const asked = judgement.kind === "equal" ? judgement.to : { atomicity, consistency, isolation, durability };
  if (ranges !== undefined && !locksRanges(asked)) {
    throw new DidafsError("ERR_INVALID_ARGUMENT", `ranges are for isolation "shared" and "exclusive"`);
  }
  return {
    asked,
    durabilityIsChosen: options.durability !== undefined,
    ranges,
    retries,
    timeoutMs,
    signal,
  };
}

export function locksRanges({ isolation }: EpochClass): boolean {
  return isolation === "shared" || isolation === "exclusive";
}

/** @throws ERR_REGION_RAW, ERR_NOT_DURABLE where the window cannot give what the epoch promises */
export function checkWindow(terms: EpochTerms, { window, path, volatileDrive }: EpochWindow): void {
  const { atomicity, durability } = terms.asked;
  // Isolation "serializable" comes with it.
  if (atomicity === "all" && window.sharing === "raw") {
    throw new DidafsError(
      "ERR_REGION_RAW",
      `${path}: others may store to a raw window's bytes behind an epoch's back; open it with sharing: "managed", or ask for atomicity "none"`,
      { path },
    );
  }
  if (durability === "stable" && terms.durabilityIsChosen && volatileDrive) {
    throw new DidafsError(
      "ERR_NOT_DURABLE",
      `${path} lies on a memory drive, which cannot make bytes stable; ask for durability "memory"`,
      { path },
    );
  }
}

/** Whether what an epoch on these windows changed outlasts a loss of power. */
export function isStable({ asked }: EpochTerms, windows: Iterable<EpochWindow>): boolean {
  return asked.durability === "stable" && [...windows].every(({ volatileDrive }) => !volatileDrive);
}

/** Of one access: its own, where it has some. The epoch's signal ends it too. */
export function accessLimits(terms: EpochTerms, options: CallOptions | undefined): CallLimits {
  const { timeoutMs, signal } = callLimits(options, terms.timeoutMs);
  if (signal === undefined || terms.signal === undefined)
    return { timeoutMs, signal: signal ?? terms.signal };
  return { timeoutMs, signal: AbortSignal.any([signal, terms.signal]) };
}
