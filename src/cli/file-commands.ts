import { type Command, Option } from "commander";
import { examples, type Runner } from "./command-parts.ts";
import { wholeNumber } from "./options.ts";

/** Commands on names. */
export function addFileCommands(program: Command, run: Runner): void {
  program
    .command("ls")
    .description("list directories")
    .argument("[path...]", "paths in the cluster (default: :/)")
    .option("-l, --long", "mode, names, owner, size and time of each entry, and where links lead")
    .option("-d, --directory", "the directory itself, not what is in it")
    .option("-F, --classify", "mark directories with / and symbolic links with @")
    .action(run(() => import("./commands/ls.ts")))
    .addHelpText("after", examples("didafs ls", "didafs ls -l :/sensors"));
  program
    .command("stat")
    .description("show what is known about a file or directory")
    .argument("<path...>", "paths in the cluster")
    .option("-L, --dereference", "what a symbolic link leads to (default: the link itself)")
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
    .argument("[path]", "path in the cluster", ":/")
    .option("-L, --depth <levels>", "how many levels are shown", wholeNumber(1, 4096))
    .action(run(() => import("./commands/tree.ts")))
    .addHelpText(
      "after",
      examples("didafs tree", "didafs tree -L 2 :/sensors", "didafs tree --json :/sensors"),
    );
  program
    .command("du")
    .description("sum up the sizes of files below directories")
    .argument("[path...]", "paths in the cluster (default: :/)")
    .option("-s, --summarize", "only the sum of each path")
    .option("-d, --depth <levels>", "how many levels of directories are shown", wholeNumber(0, 4096))
    .option("-b, --bytes", "sizes in bytes")
    .addOption(new Option("-h, --human", "sizes for people (the default)").conflicts("bytes"))
    .helpOption("--help", "display help for command")
    .action(run(() => import("./commands/du.ts")))
    .addHelpText(
      "after",
      `${examples("didafs du", "didafs du -s :/sensors :/archive", "didafs du -d 1 -b :/")}
Sizes are those of the files, not of what they take on drives. A file with several names counts once.
`,
    );
  program
    .command("df")
    .description("show how full the targets' drives are")
    .option("-b, --bytes", "sizes in bytes")
    .addOption(new Option("-h, --human", "sizes for people (the default)").conflicts("bytes"))
    .helpOption("--help", "display help for command")
    .action(run(() => import("./commands/df.ts")))
    .addHelpText("after", examples("didafs df", "didafs df -b", "didafs df --json"));
}
