import { setTimeout as sleep } from "node:timers/promises";
import { failureOf } from "../failure.ts";

/** `note`: something is missing that only some uses need. */
export type Outcome = "ok" | "note" | "warning" | "problem";

export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly outcome: Outcome;
  readonly message: string;
  /** What a person can do about it. */
  readonly wayOut?: string;
}

/** Looks at one thing. It changes nothing that outlives it, and may fail or hang. */
export interface Probe {
  readonly check: string;
  look(): Promise<readonly Finding[]> | readonly Finding[];
  /** Longest time that it gets; default 3 s. */
  readonly withinMs?: number;
}

const WITHIN_MS = 3_000;

export function finding(check: string, outcome: Outcome, message: string, wayOut?: string): Finding {
  return { check, outcome, message, ...(wayOut === undefined ? {} : { wayOut }) };
}

/** What the probes found, in their order. One that fails or does not end is a finding itself. */
export async function examine(probes: readonly Probe[]): Promise<Finding[]> {
  return (await Promise.all(probes.map(lookInTime))).flat();
}

async function lookInTime({ check, look, withinMs = WITHIN_MS }: Probe): Promise<readonly Finding[]> {
  const late = new AbortController();
  const limit = async (): Promise<readonly Finding[]> => {
    await sleep(withinMs, undefined, { signal: late.signal });
    return [finding(check, "warning", `no answer within ${withinMs / 1000} s`)];
  };
  try {
    return await Promise.race([(async () => look())(), limit()]);
  } catch (error) {
    return [finding(check, "warning", `cannot be looked at: ${failureOf(error).message}`)];
  } finally {
    late.abort();
  }
}
