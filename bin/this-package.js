// Plain JavaScript that any Node since 16 can parse: what both doors of the package, the command and the library,
// have to know before they load the rest.
import { existsSync } from "node:fs";

const NEEDED = 24;
const sources = new URL("../src/", import.meta.url);
const compiled = new URL("../dist/src/", import.meta.url);
// A published package holds no sources: Node does not strip types below node_modules.
const isCheckout = existsSync(sources);

/** Where an entry file lies: the sources in a checkout, what was compiled from them in a published package. */
export function entry(name) {
  return isCheckout ? new URL(`${name}.ts`, sources) : new URL(`${name}.js`, compiled);
}

/** Why this Node cannot run DiDAFS, and the way out; undefined where it can. */
export function nodeProblem() {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= NEEDED) return undefined;
  const beside = isCheckout
    ? "run `npm ci` in the project"
    : `run \`npm install node@${NEEDED}\` in your project`;
  return {
    cause: `this is Node ${node}, didafs needs Node ${NEEDED} or later`,
    advice: `install it from https://nodejs.org, or ${beside} to get one beside it (node_modules/.bin/node)`,
  };
}
