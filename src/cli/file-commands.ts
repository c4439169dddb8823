import type { Command } from "commander";
import { examples, type Runner } from "./command-parts.ts";
import { wholeNumber } from "./options.ts";

/** Commands on names. */
export function addFileCommands(program: Command, run: Runner): void {
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
    .command("tree")
    .description("show a directory with everything in it")
    .argument("[path]", "path in the cluster", "/")
    .option("-L, --depth <levels>", "how many levels are shown", wholeNumber(1, 4096))
    .action(run(() => import("./commands/tree.ts")))
    .addHelpText(
      "after",
      examples("didafs tree", "didafs tree -L 2 :/sensors", "didafs tree --json :/sensors"),
    );
}
