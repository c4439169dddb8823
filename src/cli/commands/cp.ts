import type { CallOptions, Cluster } from "../../client/api.ts";
import { DidafsError } from "../../std/errors.ts";
import { type Place, parsePlace } from "../cluster-path.ts";
import { type Context, printJson, warn, withCluster } from "../context.ts";
import { clusterTree, openSource } from "../copy/cluster-tree.ts";
import type { Tree } from "../copy/ends.ts";
import { localTree } from "../copy/local-tree.ts";
import { type Job, planCopies } from "../copy/plan.ts";
import { runJobs, type Tally } from "../copy/run-jobs.ts";
import { fileFlow, inputFlow, writeOut } from "../copy/streams.ts";
import { failureOf, noteFailure, throwNoted } from "../failure.ts";
import { formatBytes } from "../format.ts";
import { printable } from "../printable.ts";
import { makeProgress } from "../progress.ts";

interface CpOptions {
  readonly recursive?: boolean;
  /** False with --no-dereference. */
  readonly dereference?: boolean;
  readonly preserve?: boolean;
  readonly archive?: boolean;
  readonly verify?: boolean;
  readonly targets?: number;
  readonly stripeUnit?: number;
  readonly sync: boolean;
  readonly quiet?: boolean;
}

type Path = Exclude<Place, { kind: "stream" }>;

export async function run(context: Context, args: readonly string[], asked: CpOptions): Promise<void> {
  const options = asked.archive ? { ...asked, recursive: true, preserve: true } : asked;
  const sources = args.map(parsePlace);
  const destination = sources.pop();
  if (destination === undefined || sources.length === 0)
    throw usage("cp takes at least one source and a destination");
  if (destination.kind !== "stream") {
    await copyTo(context, sources, destination, options);
    return;
  }
  if (options.recursive || options.verify || context.global.json) {
    throw usage("-r, --verify and --json do not go with standard output as the destination");
  }
  const paths = sources.map((source) => {
    if (source.kind === "cluster") return source.path;
    throw usage("what is written to standard output must be in the cluster");
  });
  await withCluster(context, async (cluster, call) => {
    for (const path of paths) await writeOut(await openSource(cluster, path, call), context.signal);
  });
}

async function copyTo(
  context: Context,
  sources: Place[],
  destination: Path,
  options: CpOptions,
): Promise<void> {
  if (destination.kind === "local" && sources.some(({ kind }) => kind !== "cluster")) {
    throw usage("source or destination must be in the cluster; its paths are written :/path");
  }
  if (sources.length > 1 && sources.some(({ kind }) => kind === "stream")) {
    throw usage("standard input must be the only source");
  }
  const tally: Tally = { files: 0, directories: 0, links: 0, bytes: 0, skipped: 0, failures: [] };
  const startedAt = performance.now();
  const progress = await makeProgress(!options.quiet && !context.global.json);
  const { signal } = context;
  try {
    await withCluster(context, async (cluster, call) => {
      const later: (() => Promise<void>)[] = [];
      const plan = planOf(cluster, call, context, sources, destination, options, tally, later);
      const { verify = false, preserve = false } = options;
      await runJobs(plan, { verify, preserve, signal, progress, tally });
      // A directory's time is set after everything in it is made.
      for (const step of later.reverse()) await step().catch((error) => noteFailure(tally.failures, error));
    });
  } finally {
    progress.stop();
  }
  tell(context, options, tally, (performance.now() - startedAt) / 1000);
}

function planOf(
  cluster: Cluster,
  call: CallOptions,
  { signal }: Context,
  sources: readonly Place[],
  destination: Path,
  options: CpOptions,
  tally: Tally,
  later: (() => Promise<void>)[],
): AsyncIterable<Job> {
  const { sync, targets, stripeUnit, recursive = false, dereference, preserve = false } = options;
  const inCluster = clusterTree(cluster, call, { sync, targets, stripeUnit });
  const treeOf = (place: Path): Tree => (place.kind === "cluster" ? inCluster : localTree);
  const to = { tree: treeOf(destination), path: destination.path };
  const named = sources.flatMap((place) =>
    place.kind === "stream" ? [] : [{ ...place, tree: treeOf(place) }],
  );
  if (named.length === 0) return planInput(to, destination.slash, signal);
  return planCopies(named, to, {
    recursive,
    follow: { named: dereference ?? !recursive, inside: dereference ?? false },
    preserve,
    keepNames: options.archive === true,
    intoDirectory: destination.slash,
    openOther: (file) => fileFlow(file, signal),
    onSkip: (name, why) => {
      tally.skipped += 1;
      warn(`cp: ${printable(name)} is skipped: ${why}`);
    },
    onDirectory: () => {
      tally.directories += 1;
    },
    onLink: () => {
      tally.links += 1;
    },
    later: (step) => void later.push(step),
    onFailure: (error) => noteFailure(tally.failures, error),
  });
}

async function* planInput(
  to: { tree: Tree; path: string },
  slash: boolean,
  signal: AbortSignal,
): AsyncGenerator<Job> {
  const shown = to.tree.show(to.path);
  if (slash || (await to.tree.stat(to.path, true))?.type === "directory") {
    throw new DidafsError("EISDIR", `${shown} is a directory; standard input needs the name of a file`);
  }
  const open = async () => inputFlow(signal);
  yield { from: "standard input", to: shown, size: 0, open, tree: to.tree, destination: to.path };
}

function tell({ global }: Context, { quiet, verify }: CpOptions, tally: Tally, seconds: number): void {
  const { files, directories, links, bytes, skipped, failures } = tally;
  if (global.json) {
    const failed = failures.map((error) => failureOf(error));
    printJson({ files, directories, links, bytes, skipped, verified: verify === true, seconds, failed });
  } else if (!quiet && process.stderr.isTTY) {
    const verb = verify ? "copied and verified" : "copied";
    const rate = formatBytes(bytes / seconds);
    warn(`${verb} ${files} file(s), ${formatBytes(bytes)} in ${seconds.toFixed(1)} s (${rate}/s)`);
  }
  throwNoted(failures);
}

function usage(message: string): DidafsError {
  return new DidafsError("ERR_INVALID_ARGUMENT", message);
}
