import { readFile, stat } from "node:fs/promises";
import { type Finding, finding, type Probe } from "./finding.ts";

/** Those that are read without a system call. */
const FAST_SOURCES = ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "pvclock"];
const SOURCE_FILE = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
const SLACK_MS = 1_000;

/** Leases go by the steady clock, times of files by the wall clock. */
export const clockProbe: Probe = {
  check: "clock",
  look: async () => [await wallClock(), ...(await clockSource())],
};

async function wallClock(): Promise<Finding> {
  const installed = await stat(new URL(import.meta.url));
  const now = new Date();
  if (now.getTime() + SLACK_MS < installed.mtimeMs) {
    const message = `${now.toISOString()} is before DiDAFS was installed`;
    return finding("clock", "warning", message, "set the clock: timedatectl set-ntp true");
  }
  const { isClockSynchronised } = await import("../../system/kernel-features.ts");
  if (isClockSynchronised() !== false) return finding("clock", "ok", now.toISOString());
  const message = `${now.toISOString()}; nothing keeps it right, which matters to times of files only`;
  return finding("clock", "note", message, "timedatectl set-ntp true, or apt install chrony");
}

async function clockSource(): Promise<Finding[]> {
  const source = (await readFile(SOURCE_FILE, "latin1").catch(() => "")).trim();
  if (source === "") return [];
  if (FAST_SOURCES.includes(source)) return [finding("clock source", "ok", source)];
  return [
    finding(
      "clock source",
      "note",
      `${source} is slow to read, which costs each access time`,
      "boot with clocksource=tsc where the processor allows it",
    ),
  ];
}
