import { constants } from "node:os";
import { ERROR_TABLE } from "../std/errors.ts";
import { exitRow } from "./exit-codes.ts";

/** Names that Node does not know (asm-generic/errno.h). */
const MORE_NAMES = {
  EUCLEAN: 117,
  EREMOTEIO: 121,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
  EOWNERDEAD: 130,
  ENOTRECOVERABLE: 131,
};

/** docs/errors.md. */
export function errorPage(): string {
  const names = new Map(
    // Reversed, so that of two names of a number the first one stays: EAGAIN, not EWOULDBLOCK.
    Object.entries({ ...constants.errno, ...MORE_NAMES })
      .reverse()
      .map(([name, number]) => [number, name] as const),
  );
  const rows = Object.entries(ERROR_TABLE).map(([code, [status, errno, action, meaning]]) => {
    const cells = [
      `\`${code}\``,
      status,
      `${names.get(errno)} (${errno})`,
      action,
      exitRow(code).exit,
      meaning,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return `${[HEAD, "| code | status | errno | action | exit code | meaning |", "|---|---|---|---|---|---|", ...rows].join("\n")}\n`;
}

const HEAD = `# Errors

Every error that DiDAFS raises on purpose, in the library (\`DidafsError\`) and on the command line. \`code\` names it,
\`action\` says what a program can do: \`retry\` the call, \`report\` it to a person, or \`stop\` using the object. \`errno\` is
Linux's number for what comes nearest; the error has it negated, as Node's own errors do. \`status\` is the number that
travels in answers. The exit code is the command line's; [operating.md](operating.md) lists those.

This page is written by \`node scripts/error-table.mjs\` from \`src/std/errors.ts\`.
`;
