import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { getSystemErrorMessage } from "node:util";
import { defaultDataDirectory } from "../../runtime/paths.ts";
import { readRunRecord } from "../../runtime/run-file.ts";
import { readShape } from "../../runtime/shape.ts";
import { formatBytes } from "../format.ts";
import { type Finding, finding, type Outcome, type Probe } from "./finding.ts";

const ROOM_BYTES = 2 ** 30;
const RESERVED_BYTES = 2 ** 20;

type Kind = readonly [name: string, concern?: string, wayOut?: string];

const ANOTHER = "name a directory on a drive of this machine with --data";
const inMemory = (name: string): Kind => [
  name,
  "is in memory: nothing on it survives a restart of the machine",
  ANOTHER,
];
const elsewhere = (name: string): Kind => [
  name,
  "is another machine's, whose durability and locks count",
  ANOTHER,
];

/** What statfs(2) calls a file system, and what of it matters here. */
const FILE_SYSTEMS = new Map<number, Kind>([
  [0xef53, ["ext2, ext3 or ext4"]],
  [0x58465342, ["xfs"]],
  [0x9123683e, ["btrfs"]],
  [0x2fc12fc1, ["zfs"]],
  [0xf2f52010, ["f2fs"]],
  [0x01021994, inMemory("tmpfs")],
  [0x858458f6, inMemory("ramfs")],
  [0x794c7630, ["overlay", "goes with its container, and is slower than a volume", "put --data on a volume"]],
  [0x6969, elsewhere("nfs")],
  [0xff534d42, elsewhere("cifs")],
  [0xfe534d42, elsewhere("smb2")],
  [0x01021997, elsewhere("9p")],
  [0x65735546, ["fuse", "is served by a program, whose durability counts", ANOTHER]],
]);

/** The data directory, and the drive that it is on. */
export function dataProbes(data: string | undefined): readonly Probe[] {
  const dir = data === undefined ? defaultDataDirectory() : path.resolve(data);
  return [
    { check: "data", look: () => directory(dir) },
    { check: "drive", look: () => drive(dir) },
  ];
}

async function directory(dir: string): Promise<Finding[]> {
  const above = await existing(dir);
  const writable = await mayWrite(above);
  if (above !== dir) {
    const message = `${dir} does not exist yet`;
    if (writable) return [finding("data", "ok", `${message}; \`didafs up\` makes it`)];
    return [
      finding(
        "data",
        "problem",
        `${message} and cannot be made in ${above}`,
        "name another with --data or DIDAFS_DATA",
      ),
    ];
  }
  if (!(await stat(dir)).isDirectory()) {
    return [finding("data", "problem", `${dir} is no directory`, "name another with --data or DIDAFS_DATA")];
  }
  if (!writable) {
    const wayOut = "become its owner, change its mode, or name another with --data";
    return [finding("data", "problem", `${dir} cannot be written to`, wayOut)];
  }
  return [await contents(dir)];
}

async function contents(dir: string): Promise<Finding> {
  const shape = readShape(dir);
  const served = readRunRecord(dir);
  const holds =
    shape === undefined
      ? "holds no cluster yet"
      : `holds cluster ${shape.id}, ${shape.targets} ${shape.drive} target(s)`;
  if (served === undefined) return finding("data", "ok", `${dir} ${holds}; it is not served`);
  const where = served.url === undefined ? "" : ` at ${served.url}`;
  return finding("data", "ok", `${dir} ${holds}; process ${served.pid} serves it${where}`);
}

async function drive(dir: string): Promise<Finding[]> {
  const place = await existing(dir);
  const { type, blocks, bavail, bsize } = await statfs(place);
  const [name, concern, wayOut] = FILE_SYSTEMS.get(type) ?? [`not known (0x${type.toString(16)})`];
  const kind =
    concern === undefined
      ? finding("file system", "ok", name)
      : finding("file system", "warning", `${name} ${concern}`, wayOut);
  return [kind, room(bavail * bsize, blocks * bsize), await reservation(place)];
}

function room(free: number, total: number): Finding {
  const message = `${formatBytes(free)} of ${formatBytes(total)}`;
  if (free >= ROOM_BYTES) return finding("free space", "ok", message);
  return finding("free space", "warning", message, "make room, or name a larger drive with --data");
}

async function reservation(place: string): Promise<Finding> {
  const check = "reservation";
  if (!(await mayWrite(place))) return finding(check, "note", `not tried: ${place} cannot be written to`);
  const { tryReserve } = await import("../../system/kernel-features.ts");
  const errno = tryReserve(place, RESERVED_BYTES);
  if (errno === 0) return finding(check, "ok", "room of a new file can be reserved (fallocate)");
  const words = getSystemErrorMessage(-errno);
  const outcome: Outcome = words.includes("not supported") ? "warning" : "problem";
  const wayOut = "use ext4, xfs or btrfs; without it new files are filled with zeros, which takes longer";
  return finding(check, outcome, `room of a new file cannot be reserved: ${words}`, wayOut);
}

/** The directory, or what there is of the way to it. */
async function existing(dir: string): Promise<string> {
  for (let name = dir; ; name = path.dirname(name)) {
    if (name === path.dirname(name) || (await stat(name).catch(() => undefined)) !== undefined) return name;
  }
}

async function mayWrite(place: string): Promise<boolean> {
  return await access(place, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}
