import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import path from "node:path";
import { PACKAGE_DIR, packageVersion } from "../../src/runtime/package.ts";

const CONGESTION_CONTROL = "/proc/sys/net/ipv4/tcp_congestion_control";

/** Where and of what the figures were taken. */
export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** What the kernel's TCP goes by, as cubic or bbr: it decides how large answers flow. */
  readonly congestionControl: string;
  readonly node: string;
  readonly didafs: string;
  /** Commit of the sources, with `+` where files differ from it; undefined outside a repository. */
  readonly commit?: string;
  readonly startedAt: string;
  /** Processes that wanted a core in the minute before: above 0, others had part of the machine. */
  readonly loadBefore: number;
}

export function environment(): Environment {
  const commit = commitOf(PACKAGE_DIR);
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    kernel: release(),
    congestionControl: readFileSync(CONGESTION_CONTROL, "utf8").trim(),
    node: process.version,
    didafs: packageVersion(),
    ...(commit === undefined ? {} : { commit }),
    startedAt: new Date().toISOString(),
    loadBefore: loadavg()[0] ?? 0,
  };
}

function commitOf(dir: string): string | undefined {
  // An installed package lies in somebody else's repository, if in any.
  if (!existsSync(path.join(dir, ".git"))) return undefined;
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", dir, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return `${git("rev-parse", "--short=12", "HEAD")}${changed ? "+" : ""}`;
  } catch {
    return undefined;
  }
}
