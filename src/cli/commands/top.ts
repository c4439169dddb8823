import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterClient } from "../../client/cluster.ts";
import { DidafsError } from "../../std/errors.ts";
import { type Context, print } from "../context.ts";
import { hotFiles } from "../top/hot-files.ts";
import { Names } from "../top/names.ts";
import { reportTarget } from "../top/report.ts";
import { Screen } from "../top/screen.ts";
import {
  atItsEnd,
  atItsStart,
  findTargets,
  lookAtTargets,
  type TargetLook,
  type Watched,
} from "../top/targets.ts";
import { type TopReport, viewText } from "../top/view.ts";

interface TopOptions {
  readonly data?: string;
  readonly once?: boolean;
  readonly former?: boolean;
  readonly intervalMs: number;
}

/** Files that are told. */
const FILES_MAX = 20;
/** How long a report that is the only one waits for the paths of its files. */
const NAMES_MS = 3000;
const CONNECT_MS = 5000;

export async function run(context: Context, _args: readonly string[], options: TopOptions): Promise<void> {
  const { global, signal } = context;
  const { once = false, former = false, intervalMs, data } = options;
  const watched = findTargets(data, global.url ?? process.env.DIDAFS_URL, former);
  const looks = lookAtTargets(watched);
  throwIfNone(looks);
  if (former) {
    const [ends, starts] = [looks.map(atItsEnd), looks.map(atItsStart)];
    show(global.json, reportOf(watched, ends, starts, intervalMs, undefined));
    return;
  }
  const names = new Names((stop) => connect(context, watched, stop));
  const quit = new AbortController();
  const ending = AbortSignal.any([signal, quit.signal]);
  const screen =
    global.json || once ? undefined : new Screen(process.stdout, process.stdin, () => quit.abort());
  try {
    let before = looks;
    for await (const now of looksEvery(intervalMs, watched, ending)) {
      const files = reportOf(watched, now, before, intervalMs, names).files;
      await names.find(
        files.map(({ inode }) => inode),
        once ? NAMES_MS : 0,
      );
      const report = reportOf(watched, now, before, intervalMs, names);
      if (screen === undefined) show(global.json, report);
      else screen.show(viewText(report));
      if (once) return;
      before = now;
    }
  } finally {
    screen?.close();
    await names.close();
  }
}

/** To have watched until it was interrupted is success. */
async function* looksEvery(
  intervalMs: number,
  watched: Watched,
  ending: AbortSignal,
): AsyncGenerator<TargetLook[], void, undefined> {
  for (let atMs = performance.now() + intervalMs; ; atMs = Math.max(atMs + intervalMs, performance.now())) {
    await sleep(Math.max(0, atMs - performance.now()), undefined, { signal: ending }).catch(() => {});
    if (ending.aborted) return;
    yield lookAtTargets(watched);
  }
}

function reportOf(
  { dir, cluster }: Watched,
  now: readonly TargetLook[],
  before: readonly TargetLook[],
  intervalMs: number,
  names: Names | undefined,
): TopReport {
  return {
    timeMs: Date.now(),
    intervalMs,
    dir,
    cluster,
    targets: now.map((look, at) => reportTarget(look, before[at])),
    files: hotFiles(now, before, (inode) => names?.pathOf(inode)).slice(0, FILES_MAX),
  };
}

/** @throws what is wrong with the first target, where nothing can be told of any */
function throwIfNone(looks: readonly TargetLook[]): void {
  const [first] = looks;
  if (looks.some(({ look }) => look !== undefined)) return;
  throw first?.failure ?? new DidafsError("ERR_NOT_RUNNING", "there is no target");
}

function show(json: boolean | undefined, report: TopReport): void {
  print(json === true ? JSON.stringify(report) : viewText(report));
}

async function connect({ global }: Context, { url }: Watched, signal: AbortSignal): Promise<ClusterClient> {
  const { connectClient } = await import("../../runtime/connect.ts");
  return await connectClient(url, {
    ...(global.keyFile === undefined ? {} : { keyFile: global.keyFile }),
    timeoutMs: global.timeout ?? CONNECT_MS,
    signal,
  });
}
