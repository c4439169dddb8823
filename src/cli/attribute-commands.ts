import type { Command } from "commander";
import { examples, type Runner } from "./command-parts.ts";

const PATHS: [string, string] = ["<path...>", "paths in the cluster"];

/** Commands on links, and on access. */
export function addAttributeCommands(program: Command, run: Runner): void {
  addLinkCommands(program, run);
  addRevokeCommand(program, run);
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
anew. What is mapped already stays with its process.
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
