import type { Rank } from "../rank.ts";
import * as accumulate from "./accumulate.ts";
import * as communication from "./communication.ts";
import * as fence from "./fence.ts";
import * as passive from "./passive-target.ts";
import * as structures from "./structures.ts";

const ALL = { ...accumulate, ...communication, ...fence, ...passive, ...structures };
type All = typeof ALL;
type Program<T = unknown> = (own: Rank) => Promise<T>;

/** What ranks can be asked to do. */
export type ProgramName = { [N in keyof All]: All[N] extends Program ? N : never }[keyof All];
/** What each rank returns of it. */
export type ResultOf<N extends ProgramName> = All[N] extends Program<infer T> ? T : never;

export function programOf(name: ProgramName): Program {
  return ALL[name] as Program;
}
