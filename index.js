// What `import "didafs"` loads. Plain JavaScript that any Node since 16 can parse, and `require` instead of
// `import` for the rest: an older Node then says what it lacks before it reads what it cannot parse.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { entry, nodeProblem } from "./bin/this-package.js";

const problem = nodeProblem();
if (problem !== undefined) {
  const error = new Error(`${problem.cause}\n  ${problem.advice}`);
  throw Object.assign(error, { name: "DidafsError", code: "ERR_PLATFORM", action: "stop" });
}

export const { connect, DidafsError, embedded, isDidafsError } = createRequire(import.meta.url)(
  fileURLToPath(entry("index")),
);
