#!/usr/bin/env node
// Plain JavaScript that any Node since 16 can parse: it only finds a Node that can run DiDAFS.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import module from "node:module";
import { constants, homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { entry, nodeProblem } from "./this-package.js";

const problem = nodeProblem();
if (problem === undefined) {
  keepCompiledCode();
  void import(entry("cli/main").href);
} else {
  const beside = nodeBeside();
  // The variable keeps a Node beside it that is too old itself from starting itself for ever.
  if (beside !== undefined && process.env.DIDAFS_NODE === undefined) runWith(beside);
  else refuse(problem);
}

function refuse({ cause, advice }) {
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

/** The Node of the npm package `node`, where this package finds it as it finds any other. */
function nodeBeside() {
  try {
    const manifest = module.createRequire(import.meta.url).resolve("node/package.json");
    const program = join(manifest, "../bin/node");
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined;
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
