#!/usr/bin/env node
// Plain JavaScript that any Node since 16 can parse: it only finds a Node that can run DiDAFS.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import module from "node:module";
import { constants, homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED = 24;

if (Number.parseInt(process.versions.node, 10) >= NEEDED) {
  keepCompiledCode();
  void import("../src/cli/main.ts");
} else {
  const bundled = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
  // The variable keeps a bundled Node that is too old itself from starting itself for ever.
  if (existsSync(bundled) && process.env.DIDAFS_NODE === undefined) runWith(bundled);
  else refuse();
}

function refuse() {
  const cause = `this is Node ${process.versions.node}, didafs needs Node ${NEEDED} or later`;
  const advice = "install it from https://nodejs.org, or run `npm ci` in the project to get one beside it";
  if (process.argv[2] === "doctor") {
    process.stdout.write(`ok       system  ${process.platform} on ${process.arch}\n`);
    process.stdout.write(`problem  node    ${cause}. Way out: ${advice}\n`);
    process.stdout.write("1 problems; what else there is to look at needs that Node\n");
    process.exitCode = 21;
  } else {
    process.stderr.write(`didafs: ${cause}\n  ${advice}\n`);
    process.exitCode = 16;
  }
}

/** Lets Node keep what it compiled for the next command, where only this user can write. */
function keepCompiledCode() {
  if (process.env.NODE_COMPILE_CACHE !== undefined || process.env.NODE_DISABLE_COMPILE_CACHE !== undefined)
    return;
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(base, "didafs", "compiled");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    module.enableCompileCache(folder);
    // Threads and services do not inherit it otherwise.
    process.env.NODE_COMPILE_CACHE = folder;
  } catch {
    // Only slower without.
  }
}

/** Runs this command with another Node and ends as it ends. */
function runWith(node) {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(node, [self].concat(process.argv.slice(2)), {
    stdio: "inherit",
    env: Object.assign({}, process.env, { DIDAFS_NODE: node }),
  });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`didafs: ${node} cannot be started: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal]);
  });
}
