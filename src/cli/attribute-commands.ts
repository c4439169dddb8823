import type { Command } from "commander";
import { examples, type Runner } from "./command-parts.ts";
import { date, sizeChange, stamp } from "./options.ts";

const PATHS: [string, string] = ["<path...>", "paths in the cluster"];
const NO_DEREFERENCE: [string, string] = [
  "-P, --no-dereference",
  "the symbolic link itself, not what it leads to",
];

/** Commands on links and on what is known of files beside their bytes. */
export function addAttributeCommands(program: Command, run: Runner): void {
  addLinkCommands(program, run);
  addRevokeCommand(program, run);
  program
    .command("chmod")
    .description("change permission bits")
    .argument("<mode>", "octal (640), or symbolic (u+x, go-w,a+r, g=u)")
    .argument(...PATHS)
    // A mode may begin with a dash.
    .allowUnknownOption()
    .action(run(() => import("./commands/chmod.ts")))
    .addHelpText(
      "after",
      examples("didafs chmod 640 :/notes", "didafs chmod u+x,go-w :/bin/run", "didafs chmod -w :/final"),
    );
  program
    .command("chown")
    .description("change owner and group")
    .argument("<owner>", "user, user:group, :group, or user: for the user's own group; names or numbers")
    .argument(...PATHS)
    .option(...NO_DEREFERENCE)
    .action(run(() => import("./commands/chown.ts")))
    .addHelpText(
      "after",
      `${examples("didafs chown alice :/notes", "didafs chown 1000:1000 :/a :/b", "didafs chown :staff :/shared")}
Names are looked up on this machine. Owners are kept, not enforced: whoever has the cluster's key may do everything.
`,
    );
  program
    .command("touch")
    .description("set the times of files, and make those that are missing")
    .argument(...PATHS)
    .option("-c, --no-create", "make no file, and no directories on the way to it")
    .option(
      "-d, --date <time>",
      "the time: 2026-01-31, 2026-01-31T23:59:59Z or @1700000000 (default: now)",
      date,
    )
    .option("-t, --stamp <stamp>", "the time as [[CC]YY]MMDDhhmm[.ss]", stamp)
    .action(run(() => import("./commands/touch.ts")))
    .addHelpText(
      "after",
      examples(
        "didafs touch :/ready",
        "didafs touch -d 2026-01-31 :/notes",
        "didafs touch -c -t 202601312359 :/a :/b",
      ),
    );
  program
    .command("truncate")
    .description("change the length of files")
    .argument(...PATHS)
    .requiredOption(
      "-s, --size <bytes>",
      "the new length (1M), or by how much more (+1M) or less (-1M)",
      sizeChange,
    )
    .option("-c, --no-create", "make no file, and no directories on the way to it")
    .action(run(() => import("./commands/truncate.ts")))
    .addHelpText(
      "after",
      `${examples("didafs truncate -s 1G :/image", "didafs truncate -s +64M :/log", "didafs truncate -s 0 :/a :/b")}
New bytes are zeros, and their room is reserved at once.
`,
    );
  addXattrCommands(program, run);
}

function addRevokeCommand(program: Command, run: Runner): void {
  program
    .command("revoke")
    .description("take every access to files back")
    .argument(...PATHS)
    .action(run(() => import("./commands/revoke.ts")))
    .addHelpText(
      "after",
      `${examples("didafs revoke :/secrets")}
When it ends, no window that was opened before reaches the file over a socket, and nobody can map it without opening it
anew. What is mapped already stays with its process. A process that does not answer is waited for until its lease has
ended: 10 s, or up to a minute where it asked for that; a shorter --timeout may end before.
`,
    );
}

function addLinkCommands(program: Command, run: Runner): void {
  program
    .command("ln")
    .description("give a file one more name, or make a symbolic link")
    .argument("<target>", "the file; with -s what the link is to say, from where the link is")
    .argument("<name>", "path in the cluster; in a directory the link gets the target's last name")
    .option("-s, --symbolic", "a symbolic link")
    .option("-f, --force", "replace a file or link that is there")
    .action(run(() => import("./commands/ln.ts")))
    .addHelpText(
      "after",
      examples(
        "didafs ln :/data/v7 :/data/kept",
        "didafs ln -s v7 :/data/current",
        "didafs ln -sf :/data/v8 :/current",
      ),
    );
  program
    .command("readlink")
    .description("show what symbolic links say")
    .argument(...PATHS)
    .action(run(() => import("./commands/readlink.ts")))
    .addHelpText("after", examples("didafs readlink :/current", "didafs readlink --json :/current :/next"));
}

function addXattrCommands(program: Command, run: Runner): void {
  const xattr = program
    .command("xattr")
    .description("extended attributes: values with a name on files")
    .addHelpText(
      "after",
      examples(
        "didafs xattr set user.origin sensor-7 :/data/run1",
        "didafs xattr get user.origin :/data/run1",
        "didafs xattr list :/data/run1",
        "didafs xattr rm user.origin :/data/run1 :/data/run2",
      ),
    );
  xattr
    .command("get")
    .description("write a value to standard output")
    .argument("<name>", "of the attribute")
    .argument("<path>", "path in the cluster")
    .option(...NO_DEREFERENCE)
    .action(run(async () => (await import("./commands/xattr.ts")).get))
    .addHelpText("after", examples("didafs xattr get user.origin :/data/run1"));
  xattr
    .command("set")
    .description("set a value, of at most 64 KiB")
    .argument("<name>", "of the attribute")
    .argument("<value>", "text, or - for standard input")
    .argument("<path>", "path in the cluster")
    .option("--create", "fail when it is there")
    .option("--replace", "fail when it is not there")
    .option(...NO_DEREFERENCE)
    .action(run(async () => (await import("./commands/xattr.ts")).set))
    .addHelpText("after", examples("didafs xattr set user.origin sensor-7 :/data/run1"));
  xattr
    .command("list")
    .description("show the names")
    .argument("<path>", "path in the cluster")
    .option(...NO_DEREFERENCE)
    .action(run(async () => (await import("./commands/xattr.ts")).list))
    .addHelpText("after", examples("didafs xattr list :/data/run1"));
  xattr
    .command("rm")
    .description("remove attributes")
    .argument("<name>", "of the attribute")
    .argument(...PATHS)
    .option(...NO_DEREFERENCE)
    .action(run(async () => (await import("./commands/xattr.ts")).rm))
    .addHelpText("after", examples("didafs xattr rm user.origin :/data/run1"));
}
