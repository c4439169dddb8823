/** Targets that put into their regions what their logs say, but for the last epoch on each place: all forget the same ones. */
import type { EpochWrite } from "../../../src/epoch/commit-records.ts";
import { RegionReplays } from "../../../src/target/region-replay.ts";

const { put } = RegionReplays.prototype;

function isFollowed({ at }: EpochWrite, place: number, writes: readonly EpochWrite[]): boolean {
  return writes.slice(place + 1).some((later) => later.at === at);
}

RegionReplays.prototype.put = function (replays) {
  return put.call(
    this,
    replays.map((replay) => ({ ...replay, writes: replay.writes.filter(isFollowed) })),
  );
};
