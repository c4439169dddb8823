import { createInterface } from "node:readline/promises";
import { DidafsError } from "../../std/errors.ts";
import { dataDirectoryOf } from "../check/data-directory.ts";
import { type Examined, examine, type Found } from "../check/examine.ts";
import { parseClusterPath } from "../cluster-path.ts";
import { type Context, print, printJson, withCluster } from "../context.ts";
import { FINDINGS_LEFT, NOT_ALL_CHECKED } from "../exit-codes.ts";
import { failureOf } from "../failure.ts";
import { printable } from "../printable.ts";
import { makeCounter } from "../progress.ts";

interface CheckOptions {
  readonly repair?: boolean;
  readonly yes?: boolean;
  readonly data?: string;
}

interface Done {
  readonly finding: Found["finding"];
  /** Why it was not done. */
  readonly refused?: string;
}

export async function run(context: Context, [path]: readonly string[], options: CheckOptions): Promise<void> {
  const { global, signal } = context;
  const { repair = false, yes = false } = options;
  const base = path === undefined ? undefined : parseClusterPath(path);
  await withCluster(context, async (cluster, call) => {
    const below =
      base === undefined ? undefined : (await cluster.stat(base, { ...call, follow: false })).inode;
    const dir = dataDirectoryOf(cluster, options.data);
    const look = async (): Promise<Examined> => {
      const { inodes } = await cluster.statfs(call);
      // Each inode has a name, mostly, and a region.
      const progress = await makeCounter(global.json !== true, inodes * 3, "records");
      try {
        const onPage = (count: number): void => progress.add(count);
        return await examine({ cluster, call, below, dir: below === undefined ? dir : undefined, onPage });
      } finally {
        progress.stop();
      }
    };
    let examined = await look();
    let done: Done[] = [];
    const plan = examined.found.filter(isRepairable);
    if (repair && plan.length > 0) {
      const text = `${findingsText(examined)}\n${planText(plan)}`;
      // Whoever is asked has read it, and what is for a program holds nothing else.
      if (global.json === true || (!yes && isAsked() && !process.stdout.isTTY))
        process.stderr.write(`${text}\n`);
      else print(text);
      if (!yes && !(await agreed(plan.length, signal))) {
        end(examined);
        return;
      }
      done = await carryOut(plan, signal);
      if (!global.json) print(done.map(doneText).join("\n"));
      examined = await look();
    }
    if (global.json) printJson(jsonOf(examined, done));
    else print(findingsText(examined));
    end(examined);
  });
}

type Repairable = Found & { readonly repair: NonNullable<Found["repair"]> };

function isRepairable(found: Found): found is Repairable {
  return found.repair !== undefined && found.finding.repair !== undefined;
}

/** Somebody is there to be asked, and will be on standard error. */
function isAsked(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** @throws ERR_INVALID_ARGUMENT where nobody can be asked */
async function agreed(count: number, signal: AbortSignal): Promise<boolean> {
  if (!isAsked()) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      "--repair asks first, and nobody can be asked here: add --yes",
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`Do ${count === 1 ? "this" : `these ${count}`}? [y/N] `, {
      signal,
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** One after the other: what is done changes what comes next. */
async function carryOut(plan: readonly Repairable[], signal: AbortSignal): Promise<Done[]> {
  const done: Done[] = [];
  for (const { finding, repair } of plan) {
    signal.throwIfAborted();
    try {
      const refused = await repair();
      done.push({ finding, ...(refused === undefined ? {} : { refused }) });
    } catch (error) {
      signal.throwIfAborted();
      done.push({ finding, refused: failureOf(error).message });
    }
  }
  return done;
}

function end({ found, notChecked }: Examined): void {
  if (found.length > 0) process.exitCode = FINDINGS_LEFT;
  else if (notChecked.length > 0) process.exitCode = NOT_ALL_CHECKED;
}

function jsonOf({ found, notChecked, inodes }: Examined, repairs: readonly Done[]): unknown {
  return { inodes, findings: found.map(({ finding }) => finding), notChecked, repairs };
}

function findingsText({ found, notChecked, inodes }: Examined): string {
  const lines = found.map(({ finding }) => {
    const { severity, where, meaning, detail, repair, wayOut } = finding;
    const about = detail === undefined ? "" : ` (${detail})`;
    const next = repair === undefined ? wayOut : undefined;
    const advice = next === undefined ? "" : `. Way out: ${next}`;
    return printable(`${severity}: ${where}: ${meaning}${about}${advice}`);
  });
  const missed = notChecked.map(({ what, why }) => printable(`not checked: ${what}: ${why}`));
  const repairable = found.filter(isRepairable).length;
  const hint = repairable === 0 ? "" : `; --repair can do something about ${repairable}`;
  const count = found.length === 0 ? "nothing wrong" : `${found.length} findings${hint}`;
  const scope = notChecked.length === 0 ? "" : "; not everything was checked";
  return [...lines, ...missed, `${inodes} inodes: ${count}${scope}`].join("\n");
}

function planText(plan: readonly Repairable[]): string {
  const steps = plan.map(({ finding: { where, repair } }, at) => printable(`${at + 1}. ${where}: ${repair}`));
  return ["To be done:", ...steps].join("\n");
}

function doneText({ finding, refused }: Done, at: number): string {
  const outcome = refused === undefined ? "done" : `not done: ${refused}`;
  return printable(`${at + 1}. ${finding.where}: ${outcome}`);
}
