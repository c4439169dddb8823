import { readFile, statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { formatBytes } from "../format.ts";
import { type Finding, finding, type Probe } from "./finding.ts";

/** Below these a busy target runs into them: descriptors and mappings go with open regions, threads with workers. */
const OPEN_FILES_MIN = 4096;
const MAPPINGS_MIN = 65_530;
const PROCESSES_MIN = 1024;
/** io_uring and RDMA pin their buffers. */
const LOCKED_BYTES_MIN = 8 * 2 ** 20;
const SHM_BYTES_MIN = 64 * 2 ** 20;

/** How much of everything this process may have. */
export const limitProbes: readonly Probe[] = [
  { check: "limits", look: resourceLimits },
  { check: "mappings", look: mappings },
  { check: "pids", look: pids },
  { check: "memory", look: () => [memory()] },
  { check: "/dev/shm", look: sharedMemory },
];

async function resourceLimits(): Promise<Finding[]> {
  const text = await readFile("/proc/self/limits", "latin1");
  const files = limitOf(text, "Max open files");
  const locked = limitOf(text, "Max locked memory");
  const processes = limitOf(text, "Max processes");
  return [
    atLeast(
      "open files",
      files,
      OPEN_FILES_MIN,
      String,
      "raise nofile: ulimit -n, LimitNOFILE= in a systemd unit",
    ),
    atLeast(
      "locked memory",
      locked,
      LOCKED_BYTES_MIN,
      formatBytes,
      "raise memlock: ulimit -l, LimitMEMLOCK=",
      "note",
    ),
    atLeast(
      "processes",
      processes,
      PROCESSES_MIN,
      String,
      "raise nproc: ulimit -u, TasksMax= in a systemd unit",
    ),
  ];
}

interface Limit {
  readonly soft: number;
  readonly hard: number;
}

/** `Max open files            1024                 4096                 files` */
function limitOf(text: string, name: string): Limit {
  const line = text.split("\n").find((one) => one.startsWith(`${name} `)) ?? "";
  const [soft = "", hard = ""] = line.slice(name.length).trim().split(/\s+/);
  const value = (cell: string): number => (cell === "unlimited" ? Number.POSITIVE_INFINITY : Number(cell));
  return { soft: value(soft), hard: value(hard) };
}

function atLeast(
  check: string,
  { soft, hard }: Limit,
  least: number,
  show: (value: number) => string,
  wayOut: string,
  otherwise: "warning" | "note" = "warning",
): Finding {
  const shown = (value: number): string => (Number.isFinite(value) ? show(value) : "unlimited");
  const message = `${shown(soft)} (hard limit ${shown(hard)})`;
  if (soft >= least) return finding(check, "ok", message);
  return finding(check, otherwise, `${message}; ${show(least)} or more are better`, wayOut);
}

async function mappings(): Promise<Finding[]> {
  const count = Number(await readFile("/proc/sys/vm/max_map_count", "latin1"));
  const message = `vm.max_map_count is ${count}`;
  if (count >= MAPPINGS_MIN) return [finding("mappings", "ok", message)];
  const wayOut = `sysctl -w vm.max_map_count=${MAPPINGS_MIN * 4}`;
  return [finding("mappings", "warning", `${message}, which bounds the regions in use`, wayOut)];
}

/** A container's limit on processes and threads. */
async function pids(): Promise<Finding[]> {
  for (const file of await controlGroupFiles("pids", "pids.max")) {
    const text = (await readFile(file, "latin1").catch(() => "")).trim();
    if (!/^\d+$/.test(text)) continue;
    const message = `the control group allows ${text} processes and threads`;
    if (Number(text) >= PROCESSES_MIN) return [finding("pids", "ok", message)];
    return [
      finding("pids", "warning", message, "raise it: --pids-limit of the container, TasksMax= of a unit"),
    ];
  }
  return [finding("pids", "ok", "no limit by a control group")];
}

/** Where a controller's file lies for this process: version 2, then version 1. */
async function controlGroupFiles(controller: string, name: string): Promise<string[]> {
  const lines = (await readFile("/proc/self/cgroup", "latin1").catch(() => "")).split("\n");
  const pathOf = (wanted: string): string | undefined =>
    lines
      .map((line) => line.split(":"))
      .find(([, controllers]) => controllers?.split(",").includes(wanted))?.[2];
  const [second, first] = [pathOf(""), pathOf(controller)];
  return [
    ...(second === undefined ? [] : [`/sys/fs/cgroup${second}/${name}`, `/sys/fs/cgroup/${name}`]),
    ...(first === undefined ? [] : [`/sys/fs/cgroup/${controller}${first}/${name}`]),
  ];
}

function memory(): Finding {
  const group = process.constrainedMemory();
  const total = group > 0 ? Math.min(group, totalmem()) : totalmem();
  const limited = total < totalmem() ? " (limited by a control group)" : "";
  const free = process.availableMemory();
  const message = `${formatBytes(free)} of ${formatBytes(total)} available${limited}; memory drives live on it`;
  if (free >= total / 16) return finding("memory", "ok", message);
  return finding("memory", "warning", message, "end what is not needed, or give the machine more");
}

async function sharedMemory(): Promise<Finding[]> {
  const { blocks, bavail, bsize } = await statfs("/dev/shm");
  const [total, free] = [blocks * bsize, bavail * bsize];
  const message = `${formatBytes(free)} of ${formatBytes(total)} free; peers in benches use it, DiDAFS does not`;
  if (free >= SHM_BYTES_MIN) return [finding("/dev/shm", "ok", message)];
  return [
    finding("/dev/shm", "note", message, "mount -o remount,size=1g /dev/shm; for a container --shm-size 1g"),
  ];
}
