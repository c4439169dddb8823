import { readdir, readFile, readlink } from "node:fs/promises";
import { createConnection } from "node:net";

/** A process of this machine that listens on a TCP port. */
export interface Listener {
  readonly pid: number;
  readonly command: string;
}

const LISTENING = "0A";
const CONNECT_MS = 1_000;

/** Whether something answers there. */
export async function isListening(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port, timeout: CONNECT_MS });
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("timeout", () => resolve(false));
      socket.once("error", () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

/** Who listens on `port`; undefined where that cannot be seen: other users' processes, and other machines'. */
export async function findListener(port: number): Promise<Listener | undefined> {
  const inodes = await listeningInodes(port);
  for (const name of inodes.size === 0 ? [] : await readdir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    for (const inode of await socketInodes(pid)) {
      if (inodes.has(inode)) return { pid, command: await commandOf(pid) };
    }
  }
  return undefined;
}

/** Fields of a line: number, local address:port, remote one, state, … and the inode as the tenth. */
async function listeningInodes(port: number): Promise<Set<string>> {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes = new Set<string>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await readFile(file, "latin1").catch(() => "");
    for (const line of text.split("\n")) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      if (state === LISTENING && local.endsWith(ending)) inodes.add(inode);
    }
  }
  return inodes;
}

async function socketInodes(pid: number): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  const descriptors = await readdir(directory).catch(() => []);
  const goals = await Promise.all(
    descriptors.map((name) => readlink(`${directory}/${name}`).catch(() => "")),
  );
  return goals.flatMap((goal) => /^socket:\[(\d+)\]$/.exec(goal)?.[1] ?? []);
}

async function commandOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return line.split("\0").join(" ").trim();
}
