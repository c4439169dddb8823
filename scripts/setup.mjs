// Sets the project up: installs the npm packages that package-lock.json names (Node 24 among them), and with
// `--test` makes sure of the Debian packages that tests use. Does nothing, fast, when all is there.
// Plain JavaScript: it has to run on any Node >= 20, before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const stampPath = join(modules, ".didafs-setup");
const nodePath = join(modules, ".bin", "node");

/** Ends set-up: what went wrong, and the way out. */
function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

function parse(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Changes when what has to be installed changes, and not when, say, a script in package.json does. */
function stamp() {
  const { dependencies, devDependencies, optionalDependencies, overrides, allowScripts } = parse(
    join(root, "package.json"),
  );
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(JSON.stringify([dependencies, devDependencies, optionalDependencies, overrides, allowScripts]))
    .update(`${process.platform} ${process.arch}`)
    .digest("hex");
}

/** Whether somebody's own `npm install` or `npm ci` has left just what package.json and the lock file ask for. */
function installedByHand() {
  const hidden = join(modules, ".package-lock.json");
  if (!existsSync(hidden) || !existsSync(nodePath)) return false;
  const installed = parse(hidden).packages;
  const locked = parse(join(root, "package-lock.json")).packages;
  const listed = parse(join(root, "package.json"));
  const inStep = ["dependencies", "devDependencies", "optionalDependencies"].every(
    (kind) => JSON.stringify(locked[""][kind]) === JSON.stringify(listed[kind]),
  );
  return (
    inStep &&
    Object.entries(locked).every(
      ([path, { version, optional }]) => path === "" || optional || installed[path]?.version === version,
    )
  );
}

function installPackages() {
  const want = stamp();
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === want && existsSync(nodePath)) return;
  if (!installedByHand()) {
    console.log("setup: installing npm packages (npm ci) ...");
    const startedAt = performance.now();
    const npm = spawnSync("npm", ["ci", "--include=dev", "--loglevel=error"], {
      cwd: root,
      env: npmEnvironment(),
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (npm.error)
      fail(`cannot start npm (${npm.error.message}). Install npm, or put it on PATH, and run this again.`);
    if (npm.status !== 0) {
      fail(
        `npm ci ended with ${npm.status ?? npm.signal}; what it said is above. Set-up needs a reachable npm registry ` +
          "(`npm ping`) and about 0.5 GB of disk space; after a change to the dependencies in package.json run " +
          "`npm install` and `node scripts/complete-lock.mjs`. Then run this again; nothing has to be cleaned up.",
      );
    }
    if (!existsSync(nodePath)) {
      fail(
        "npm ci did not install Node 24: the package `node` needs its install script, and install scripts are " +
          "switched off here. Run `npm rebuild node --ignore-scripts=false` and then this again.",
      );
    }
    console.log(`setup: npm packages installed in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  }
  writeFileSync(stampPath, want);
}

/** npm hands its own command line on through the environment; what would misdirect the install is left out. */
function npmEnvironment() {
  const misdirecting =
    /^npm_config_(dry_run|global|include|location|omit|only|package_lock_only|prefix|production|workspaces?)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !misdirecting.test(name)));
}

function onPath(command) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What tests use from the operating system: Redis and memcached as peers to measure beside, a C compiler for the limits. */
function missingDebianPackages() {
  const missing = [];
  if (!onPath("redis-server")) missing.push("redis-server");
  if (!onPath("memcached")) missing.push("memcached");
  if (!onPath("cc")) missing.push("gcc");
  if (!existsSync("/usr/include/stdio.h")) missing.push("libc6-dev");
  return missing;
}

function installDebianPackages() {
  const missing = missingDebianPackages();
  if (missing.length === 0) return;
  const apt = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  const byHand = `The tests need ${missing.join(", ")}. Install with\n  sudo sh -c '${apt}'\nand run this again.`;
  if (!onPath("apt-get")) fail(`${byHand} (Without apt-get: the same with this system's package manager.)`);
  if (process.getuid() !== 0) fail(byHand);
  console.log(`setup: installing ${missing.join(", ")} (apt-get) ...`);
  const run = withServicesHeldBack(() => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    return spawnSync("sh", ["-c", `exec 2>&1; ${apt}`], { env, encoding: "utf8", maxBuffer: 2 ** 26 });
  });
  const still = missingDebianPackages();
  if (run.status !== 0 || still.length > 0) {
    console.error(run.stdout);
    fail(`apt-get did not install ${missing.join(", ")}; what it said is above. ${byHand}`);
  }
}

/** Debian starts a service when it installs it, unless this file says 101, "not allowed". */
function withServicesHeldBack(install) {
  const policy = "/usr/sbin/policy-rc.d";
  if (existsSync(policy)) return install();
  writeFileSync(policy, "#!/bin/sh\nexit 101\n");
  chmodSync(policy, 0o755);
  try {
    return install();
  } finally {
    rmSync(policy, { force: true });
  }
}

if (Number.parseInt(process.versions.node, 10) < 20) {
  fail(
    `this is Node ${process.versions.node}; set-up needs Node 20 or newer (Node 24 itself is then installed by npm).`,
  );
}
installPackages();
if (process.argv.includes("--test")) installDebianPackages();
