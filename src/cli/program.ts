import { Command, Option } from "commander";
import { LOG_BYTES_MAX, LOG_BYTES_MIN, LOG_FILES_MAX, LOG_FILES_MIN } from "../runtime/log-limits.ts";
import { DEFAULT_PORT } from "../runtime/paths.ts";
import { LOG_LEVELS } from "../std/logger.ts";
import { addAttributeCommands } from "./attribute-commands.ts";
import { addByteCommands } from "./byte-commands.ts";
import { examples, type Runner } from "./command-parts.ts";
import type { CommandModule, Context, GlobalOptions } from "./context.ts";
import { addFileCommands } from "./file-commands.ts";
import { byteCount, portOrOff, seconds, wholeNumber } from "./options.ts";

/** The command line. Errors of use are thrown as CommanderError; nothing in here ends the process. */
export function makeProgram(version: string, signal: AbortSignal): Command {
  const program = new Command("didafs")
    .description("A distributed direct access file system: a file is a window.")
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: true })
    .option("--url <url>", "the cluster (default: $DIDAFS_URL, then didafs://127.0.0.1:7420)")
    .option("--key-file <file>", "the cluster's key (default: $DIDAFS_KEY_FILE, then ~/.config/didafs/key)")
    .addOption(new Option("--transport <path>", "how to reach the bytes").choices(["auto", "direct", "tcp"]))
    .option(
      "--timeout <seconds>",
      "longest time of one step (default: 10; 20 for up and down, 30 for a case of bench, 76 for revoke)",
      seconds,
    )
    .option("--json", "results and errors as JSON")
    .addHelpText(
      "after",
      "\n`didafs help <command>` has examples. Exit codes and what they mean: docs/operating.md.",
    );
  const run: Runner = <O extends object>(load: () => Promise<CommandModule<O>>) =>
    async function (this: Command) {
      const context: Context = { global: program.opts<GlobalOptions>(), version, signal };
      const module = await load();
      await module.run(context, this.args, this.opts() as O);
    };
  addClusterCommands(program, run);
  addFileCommands(program, run);
  addByteCommands(program, run);
  addAttributeCommands(program, run);
  addBenchCommand(program, run);
  return program;
}

function addClusterCommands(program: Command, run: Runner): void {
  const data: [string, string] = [
    "--data <dir>",
    "data directory (default: $DIDAFS_DATA, then ~/.local/share/didafs)",
  ];
  program
    .command("up")
    .description("start a cluster on this machine")
    .option(...data)
    .option("--targets <count>", "number of targets (default: as before, 1 for new data)", wholeNumber(1, 64))
    .addOption(
      new Option("--drive <kind>", "what holds the bytes (default: as before, file for new data)").choices([
        "file",
        "memory",
      ]),
    )
    .option("--port <port>", "port of the cluster, 0 for any free one", wholeNumber(0, 65535), DEFAULT_PORT)
    .option("--host <address>", "address of this machine to listen on", "127.0.0.1")
    .option(
      "--trusted-network",
      "allow a --host that other machines reach: traffic is authenticated, not encrypted",
    )
    .option("--workers <count>", "data-plane threads of each target", wholeNumber(1, 64))
    .option("--foreground", "run here until Ctrl-C instead of in the background")
    .option(
      "--metrics-port <port>",
      "port of /metrics and /healthz, 0 for any free one, or off",
      portOrOff,
      0,
    )
    .option("--metrics-host <address>", "address to serve them on, to whoever reaches it", "127.0.0.1")
    .addOption(new Option("--log-level <level>", "what is logged (default: info)").choices(LOG_LEVELS))
    .option(
      "--log-bytes <bytes>",
      "a log that would grow larger is put aside (default: 8M)",
      byteCount(LOG_BYTES_MIN, LOG_BYTES_MAX),
    )
    .option(
      "--log-files <count>",
      "files kept of each log (default: 5)",
      wholeNumber(LOG_FILES_MIN, LOG_FILES_MAX),
    )
    .action(run(() => import("./commands/up.ts")))
    .addHelpText(
      "after",
      examples(
        "didafs up",
        "didafs up --data ./data --targets 3 --port 7421",
        "didafs up --drive memory --foreground",
      ),
    );
  program
    .command("down")
    .description("stop the cluster of a data directory")
    .option(...data)
    .action(run(() => import("./commands/down.ts")))
    .addHelpText("after", examples("didafs down", "didafs down --data ./data"));
  program
    .command("status")
    .description("show targets, capacity and counters")
    .action(run(() => import("./commands/status.ts")))
    .addHelpText("after", examples("didafs status", "didafs status --json"));
  program
    .command("top")
    .description("watch rates, latencies and hot files of the targets of this machine")
    .option(...data)
    .option("--interval-ms <ms>", "between two looks", wholeNumber(100, 3_600_000), 1000)
    .option("--once", "one report, and end")
    .option(
      "--former",
      "what the targets that ended without a word had counted, before they were started again",
    )
    .action(run(() => import("./commands/top.ts")))
    .addHelpText(
      "after",
      `${examples("didafs top", "didafs top --once --json", "didafs top --data ./data --interval-ms 5000", "didafs top --json | jq .targets")}
It reads what the targets count in shared memory and asks none of them, so it also tells of one that hangs or has ended.
q or Ctrl-C ends it. With --json it prints one object a line.
`,
    );
  program
    .command("doctor")
    .description("look for what keeps a cluster from running well here, and say the way out")
    .option(...data)
    .action(run(() => import("./commands/doctor.ts")))
    .addHelpText(
      "after",
      `${examples("didafs doctor", "didafs doctor --data /srv/didafs", "didafs doctor --json")}
A problem keeps something from working, a warning costs durability or room, a note is about what only some uses need.
It ends with exit code 21 when there are problems. Nothing is started, and nothing is left behind.
`,
    );
  program
    .command("check")
    .description("find what is wrong in a running cluster, and repair it")
    .argument("[path]", "only what is below this path in the cluster")
    .option("--repair", "say what can be repaired, ask, do it, and check again")
    .option("--yes", "with --repair: do not ask")
    .option(...data)
    .action(run(() => import("./commands/check.ts")))
    .addHelpText(
      "after",
      `${examples("didafs check", "didafs check :/sensors", "didafs check --repair", "didafs check --repair --yes --json")}
The cluster goes on meanwhile. It ends with exit code 22 when something is wrong or was left so, and with 23 when nothing
is, but not everything could be looked at. The data directory is looked at where it is on this machine.
`,
    );
  program.command("supervise", { hidden: true }).action(run(() => import("./commands/supervise.ts")));
}

function addBenchCommand(program: Command, run: Runner): void {
  program
    .command("bench")
    .description("measure beside peers and limits, on a throw-away cluster")
    .option("--rows <names>", "which rows, as in docs/bench.md (default: all)")
    .option("--seconds <seconds>", "measuring time of each case (default: 2)", seconds)
    .option("--quick", "show that everything works, not how fast it is")
    .option("--plot <file>", "draw the report as an SVG image, too")
    .option("--from <file>", "measure nothing: show or draw what --json has printed before")
    .action(run(() => import("./commands/bench.ts")))
    .addHelpText(
      "after",
      examples(
        "didafs bench",
        "didafs bench --rows L1 --seconds 5",
        "didafs bench --json",
        "didafs bench --from bench.json --plot bench.svg",
      ),
    );
}
