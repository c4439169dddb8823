import type { RegionLine } from "../epoch/commit-records.ts";
import type { Replayed } from "../epoch/replay.ts";
import { DidafsError } from "../std/errors.ts";
import { homeWorker } from "./open-regions.ts";

/** Further than any two numbers of workers are from each other. */
const DISTANCE_END = 1024;

/** A log's worker in the life that wrote it, and what it says. */
export interface HomedLog extends Replayed {
  readonly worker: number;
}

/** Whether the log has epochs that this worker has to end: nobody else can speak for it. */
export function isBound({ inDoubt, decisions }: Replayed): boolean {
  return inDoubt.length > 0 || decisions.length > 0;
}

/** Whether, among so many workers, the log's worker is there, and home to every region that the log is about. */
export function isAtHome({ worker, regions, inDoubt }: HomedLog, workers: number): boolean {
  if (worker >= workers) return false;
  const isHome = ({ inode, index }: Pick<RegionLine, "inode" | "index">): boolean =>
    homeWorker(inode, index, workers) === worker;
  return regions.every(isHome) && inDoubt.flatMap(linesOf).every(isHome);
}

/** Those that the epoch holds. */
export function linesOf({ shared, exclusive }: Replayed["inDoubt"][number]): readonly RegionLine[] {
  return [...shared, ...exclusive];
}

/**
 * With another number of workers, regions have other homes. What is bound to its worker needs the number that it had.
 * @throws ERR_INVALID_ARGUMENT, and says which number does
 */
export function checkHomes(logs: readonly HomedLog[], workers: number, target: string): void {
  const bound = logs.filter(isBound);
  const isFor = (count: number): boolean => bound.every((log) => isAtHome(log, count));
  if (isFor(workers)) return;
  const needed = nearest(workers, isFor);
  const number = needed === undefined ? "with as many as before" : `with ${needed}`;
  throw new DidafsError(
    "ERR_INVALID_ARGUMENT",
    `${target} cannot start with ${workers} data-plane workers: epochs of its former life are not over at workers that it had then. Start it ${number} (didafs up --workers); once these epochs are over it may have any number.`,
  );
}

/** The number of workers next to `count` that will do. */
function nearest(count: number, will: (count: number) => boolean): number | undefined {
  for (let distance = 1; distance < DISTANCE_END; distance += 1) {
    if (count > distance && will(count - distance)) return count - distance;
    if (will(count + distance)) return count + distance;
  }
  return undefined;
}
