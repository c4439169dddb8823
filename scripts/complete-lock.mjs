// Adds to package-lock.json the optional packages of other platforms that npm left out.
//
// npm 11 omits an optional package from the lock file when the registry it asked does not hold it (a partial
// mirror, say), and `npm ci` then refuses its own lock file (npm/cli issue 9846). Run this after every
// `npm install` that changed the lock file; it changes nothing when the lock file is complete.
//
// The version is the exact one that the parent asks for; os, cpu and libc come from the package's name, so
// that npm skips the package on this platform without asking for it. Such entries carry no integrity hash.
import { readFileSync, writeFileSync } from "node:fs";

const lockPath = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(lockPath, "utf8"));

const OSES = new Set([
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
]);
const CPUS = new Set(["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"]);
const LIBCS = new Map([
  ["gnu", "glibc"],
  ["gnueabihf", "glibc"],
  ["musl", "musl"],
  ["musleabihf", "musl"],
]);

/** The platform that a package's name states: `@biomejs/cli-linux-x64-musl` is linux, x64, musl. */
function platformOf(name) {
  const parts = name.split(/[/-]/);
  const os = parts.find((part) => OSES.has(part));
  const cpu = parts.find((part) => CPUS.has(part));
  const libc = os === "linux" ? LIBCS.get(parts.at(-1)) : undefined;
  return os && cpu ? { cpu: [cpu], ...(libc && { libc: [libc] }), os: [os] } : undefined;
}

const added = [];
for (const entry of Object.values(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const at = `node_modules/${name}`;
    if (lock.packages[at]) continue;
    const platform = platformOf(name);
    if (!platform || !/^\d+\.\d+\.\d+$/.test(range)) {
      console.error(
        `complete-lock: cannot complete ${name}@${range}: its platform or exact version is unknown`,
      );
      process.exit(1);
    }
    lock.packages[at] = {
      version: range,
      cpu: platform.cpu,
      ...(entry.dev && { dev: true }),
      ...(platform.libc && { libc: platform.libc }),
      optional: true,
      os: platform.os,
    };
    added.push(`${name}@${range}`);
  }
}

if (added.length > 0) {
  const byPath = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = Object.fromEntries(byPath);
  writeFileSync(lockPath, `${JSON.stringify(lock, null, 2)}\n`);
  for (const name of added) console.log(`complete-lock: added ${name}`);
}
