import type { Command } from "commander";
import { examples, type Runner } from "./command-parts.ts";
import { anyByteCount, stripeUnit, wholeNumber } from "./options.ts";

/** Commands that move bytes. */
export function addByteCommands(program: Command, run: Runner): void {
  program
    .command("cp")
    .description("copy files into, out of and within the cluster")
    .argument(
      "<source...>",
      "`:/path` in the cluster, a local path, or - for standard input; the last one is where to",
    )
    .usage("[options] <source...> <destination>")
    .option("-r, --recursive", "copy directories with everything in them")
    .option(
      "-L, --dereference",
      "copy what symbolic links lead to (as without -r), in directories only files",
    )
    .option("-P, --no-dereference", "copy symbolic links as links (as with -r)")
    .option("-p, --preserve", "keep mode, times, and owner where that is permitted")
    .option("-a, --archive", "the same as -r -p, and names of one file become names of one copy")
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
        "\nA copy takes its name only when it is whole. With -r symbolic links stay links, without it they are followed.\n",
    );
  program
    .command("cat")
    .description("write files to standard output")
    .argument("<path...>", "paths in the cluster")
    .action(run(() => import("./commands/cat.ts")))
    .addHelpText("after", examples("didafs cat :/notes.txt", "didafs cat :/part-0 :/part-1 | sha256sum"));
  program
    .command("put")
    .description("write a range of a file, in place")
    .argument("<local>", "local file, or - for standard input")
    .argument("<path>", "path in the cluster")
    .option("--at <bytes>", "where in the file the range begins, for example 1M (default: 0)", anyByteCount)
    .option("--create", "make the file when it is missing")
    .option(
      "--size <bytes>",
      "bytes of a file that is made (default: up to the end of the range); implies --create",
      anyByteCount,
    )
    .option("--no-sync", "do not wait until the bytes survive power loss")
    .action(run(() => import("./commands/put.ts")))
    .addHelpText(
      "after",
      `${examples(
        "didafs put patch.bin :/image --at 1M",
        "printf hello | didafs put - :/notes --create --size 4K",
        "didafs put --json block :/image --at 64K",
      )}
Unlike cp, which replaces a file as a whole, this writes into the file that is there: a put that fails half-way has
changed a part of the range. What would end behind the file's end is refused.
`,
    );
  program
    .command("get")
    .description("read a range of a file")
    .argument("<path>", "path in the cluster")
    .argument("[local]", "local file or directory, or - for standard output", "-")
    .option("--at <bytes>", "where in the file the range begins, for example 1M (default: 0)", anyByteCount)
    .option("--length <bytes>", "bytes of the range (default: up to the end of the file)", anyByteCount)
    .action(run(() => import("./commands/get.ts")))
    .addHelpText(
      "after",
      `${examples(
        "didafs get :/image --at 1M --length 512 | xxd",
        "didafs get :/image header.bin --length 4K",
        "didafs get :/log --at 10M",
      )}
With --json a local file is needed: standard output has the summary then.
`,
    );
}
