import path from "node:path";
import { type CountersLook, lookAtCounters } from "../../runtime/counters-look.ts";
import { defaultDataDirectory } from "../../runtime/paths.ts";
import { readRunRecord } from "../../runtime/run-file.ts";
import { readShape } from "../../runtime/shape.ts";
import { countersFile } from "../../runtime/target-counters.ts";
import { DidafsError, isDidafsError } from "../../std/errors.ts";
import { systemClock } from "../../system/clock.ts";

/** The targets of a data directory, as their counters are found. */
export interface Watched {
  readonly dir: string;
  readonly cluster: string;
  /** Where the cluster answers, if it runs and says so. */
  readonly url: string | undefined;
  readonly targets: readonly { readonly name: string; readonly file: string }[];
}

/** One target at one instant; `failure` says why nothing can be told. */
export interface TargetLook {
  readonly name: string;
  readonly look?: CountersLook;
  readonly failure?: DidafsError;
}

const WAY_OUT =
  "counters are read on the machine that serves the cluster: run `didafs top` there, with --data if its data directory is not the default one";

/**
 * @param data the data directory, as `--data` says
 * @param url of a cluster that was named
 * @param former look at the targets' lives before these
 * @throws ERR_NOT_RUNNING, ERR_INVALID_ARGUMENT (another cluster was named), ERR_CORRUPT, ERR_VERSION
 */
export function findTargets(data: string | undefined, url: string | undefined, former: boolean): Watched {
  const dir = data === undefined ? defaultDataDirectory() : path.resolve(data);
  const shape = readShape(dir);
  if (shape === undefined) throw new DidafsError("ERR_NOT_RUNNING", `${dir} holds no cluster; ${WAY_OUT}`);
  const served = readRunRecord(dir)?.url;
  if (data === undefined && url !== undefined && served !== undefined && served !== url) {
    throw new DidafsError("ERR_INVALID_ARGUMENT", `${dir} serves ${served}, not ${url}; ${WAY_OUT}`);
  }
  const targets = Array.from({ length: shape.targets }, (_, index) => {
    const name = `target-${index}`;
    return { name, file: countersFile(path.join(dir, name), former) };
  });
  return { dir, cluster: shape.id, url: served ?? url, targets };
}

/** Looks at all targets. One that cannot be read keeps none of the others from being shown. */
export function lookAtTargets({ targets }: Watched): TargetLook[] {
  return targets.map(({ name, file }) => {
    try {
      return { name, look: lookAtCounters(file, systemClock.nowMs()) };
    } catch (error) {
      if (!isDidafsError(error)) throw error;
      return { name, failure: error };
    }
  });
}

/** A life that has ended, as it was with its last sign of life. */
export function atItsEnd(target: TargetLook): TargetLook {
  const { look } = target;
  return look === undefined ? target : { ...target, look: { ...look, nowMs: look.lastSignMs } };
}

/** The same life before it had counted anything. */
export function atItsStart(target: TargetLook): TargetLook {
  const { look } = target;
  if (look === undefined) return target;
  const control = { ...look.control, mappings: 0 };
  return { ...target, look: { ...look, nowMs: look.header.startedMs, control, workers: [] } };
}
