import { Command, Option } from "commander";
import { LOG_BYTES_MAX, LOG_BYTES_MIN, LOG_FILES_MAX, LOG_FILES_MIN } from "../runtime/log-limits.ts";
import { DEFAULT_PORT } from "../runtime/paths.ts";
import { LOG_LEVELS } from "../std/logger.ts";
import type { CommandModule, Context, GlobalOptions } from "./context.ts";
import { byteCount, seconds, stripeUnit, wholeNumber } from "./options.ts";

/** Loads a command when it is called, so that none pays for the others. */
type Runner = <O extends object>(load: () => Promise<CommandModule<O>>) => (this: Command) => Promise<void>;

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
    .option("--timeout <seconds>", "longest time of one step (default: 10; 20 for up and down)", seconds)
    .option("--json", "results and errors as JSON");
  const run: Runner = <O extends object>(load: () => Promise<CommandModule<O>>) =>
    async function (this: Command) {
      const context: Context = { global: program.opts<GlobalOptions>(), version, signal };
      const module = await load();
      await module.run(context, this.args, this.opts() as O);
    };
  addClusterCommands(program, run);
  addFileCommands(program, run);
  addCopyCommands(program, run);
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
  program.command("supervise", { hidden: true }).action(run(() => import("./commands/supervise.ts")));
}

function addFileCommands(program: Command, run: Runner): void {
  program
    .command("ls")
    .description("list a directory")
    .argument("[path]", "path in the cluster", "/")
    .option("-l, --long", "mode, size and time of each entry")
    .action(run(() => import("./commands/ls.ts")))
    .addHelpText("after", examples("didafs ls", "didafs ls -l :/sensors"));
  program
    .command("stat")
    .description("show what is known about a file or directory")
    .argument("<path...>", "paths in the cluster")
    .action(run(() => import("./commands/stat.ts")))
    .addHelpText("after", examples("didafs stat :/sensors/2026", "didafs stat --json :/sensors/2026"));
  program
    .command("mkdir")
    .description("make directories")
    .argument("<path...>", "paths in the cluster")
    .option("-p, --parents", "make missing parents too; a directory that exists is no error")
    .action(run(() => import("./commands/mkdir.ts")))
    .addHelpText("after", examples("didafs mkdir :/sensors", "didafs mkdir -p :/a/b/c"));
  program
    .command("rm")
    .description("remove files and directories")
    .argument("<path...>", "paths in the cluster")
    .option("-r, --recursive", "remove directories with everything in them")
    .option("-f, --force", "what does not exist is no error")
    .action(run(() => import("./commands/rm.ts")))
    .addHelpText("after", examples("didafs rm :/sensors/2025", "didafs rm -rf :/scratch"));
  program
    .command("mv")
    .description("rename, or move into a directory")
    .argument("<source...>", "paths in the cluster, the last one is where to")
    .usage("[options] <source...> <destination>")
    .action(run(() => import("./commands/mv.ts")))
    .addHelpText("after", examples("didafs mv :/new :/current", "didafs mv :/a :/b :/archive"));
  program
    .command("cat")
    .description("write files to standard output")
    .argument("<path...>", "paths in the cluster")
    .action(run(() => import("./commands/cat.ts")))
    .addHelpText("after", examples("didafs cat :/notes.txt", "didafs cat :/part-0 :/part-1 | sha256sum"));
}

function addCopyCommands(program: Command, run: Runner): void {
  program
    .command("cp")
    .description("copy files into, out of and within the cluster")
    .argument(
      "<source...>",
      "`:/path` in the cluster, a local path, or - for standard input; the last one is where to",
    )
    .usage("[options] <source...> <destination>")
    .option("-r, --recursive", "copy directories with everything in them")
    .option("--verify", "read every copy back and compare SHA-256 before it takes its name")
    .option("--targets <count>", "targets that a new file is striped over", wholeNumber(1, 64))
    .option(
      "--stripe-unit <bytes>",
      "bytes on one target before the next one's turn, for example 1M",
      stripeUnit,
    )
    .option("--no-sync", "do not wait until the bytes in the cluster survive power loss")
    .option("-q, --quiet", "no progress bar")
    .action(run(() => import("./commands/cp.ts")))
    .addHelpText(
      "after",
      examples(
        "didafs cp report.csv :/reports/",
        "didafs cp -r --verify ./data :/data",
        "didafs cp -r :/data ./copy",
        "didafs cp --targets 3 big.bin :/big",
        "tar c . | didafs cp - :/backup.tar",
        "didafs cp :/backup.tar - | tar t",
      ) +
        "\nA copy takes its name only when it is whole. Symbolic links are followed to files, and skipped otherwise.\n",
    );
}

function addBenchCommand(program: Command, run: Runner): void {
  program
    .command("bench")
    .description("measure beside peers and limits, on a throw-away cluster")
    .option("--rows <names>", "which rows, as in docs/bench.md (default: all)")
    .option("--seconds <seconds>", "measuring time of each case (default: 2)", seconds)
    .option("--quick", "show that everything works, not how fast it is")
    .action(run(() => import("./commands/bench.ts")))
    .addHelpText(
      "after",
      examples("didafs bench", "didafs bench --rows L1 --seconds 5", "didafs bench --json"),
    );
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join("")}`;
}
