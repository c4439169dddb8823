import { posix } from "node:path";
import type { Random } from "../ports/random.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { CallOptions, Cluster, DidafsFile, OpenOptions } from "./api.ts";
import { childPath } from "./child-path.ts";

/** Longest time to take back a half-made file after a failure. */
const TAKE_BACK_MS = 5_000;
/** As many as the cluster follows itself. */
const LINKS_MAX = 40;

type DraftCluster = Pick<Cluster, "open" | "stat" | "readlink" | "rename" | "remove">;

/** A name beside `path` that nothing has. */
export function draftPath(path: string, random: Random): string {
  return childPath(posix.dirname(path), `.didafs-${Buffer.from(random.bytes(8)).toString("hex")}.part`);
}

/** Where a path leads when it ends in symbolic links, be anything there or not. */
export async function throughLinks(
  cluster: Pick<Cluster, "stat" | "readlink">,
  path: string,
  call: CallOptions,
): Promise<string> {
  let at = path;
  for (let links = 0; links < LINKS_MAX; links += 1) {
    if (!(await isLink(cluster, at, call))) return at;
    const target = await cluster.readlink(at, call);
    // Not normalised: what `..` means is the cluster's to say.
    at = target.startsWith("/") ? target : childPath(posix.dirname(at), target);
  }
  throw new DidafsError("ELOOP", "too many symbolic links", { path });
}

async function isLink(cluster: Pick<Cluster, "stat">, path: string, call: CallOptions): Promise<boolean> {
  try {
    return (await cluster.stat(path, { ...call, follow: false })).type === "symlink";
  } catch (error) {
    if (isDidafsError(error, "ENOENT")) return false;
    throw error;
  }
}

/** A new file that is made beside its place, and takes its name, over what has it, when it is whole. */
export class Draft {
  readonly file: DidafsFile;
  /** Where it lies until then. */
  readonly path: string;
  readonly #name: string;
  readonly #cluster: DraftCluster;
  readonly #timeoutMs: number | undefined;

  private constructor(cluster: DraftCluster, file: DidafsFile, name: string, timeoutMs: number | undefined) {
    this.#cluster = cluster;
    this.file = file;
    this.path = file.path;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @param name that it is to have; no symbolic link (see throughLinks)
   * @param options the signal is not listened to: a call that is given up may still take effect after it was taken back
   */
  static async make(
    cluster: DraftCluster,
    name: string,
    { signal: _, create: __, ...options }: OpenOptions,
    random: Random,
  ): Promise<Draft> {
    const path = draftPath(name, random);
    try {
      const file = await cluster.open(path, { ...options, create: "exclusive" });
      return new Draft(cluster, file, name, options.timeoutMs);
    } catch (error) {
      if (!isDidafsError(error)) throw error;
      const { code, message, applied } = error;
      if (applied !== "no") await cluster.remove(path, { timeoutMs: TAKE_BACK_MS }).catch(() => {});
      // Whoever hears of it knows the file by its name to be.
      throw new DidafsError(code, message.replace(path, name), { applied, cause: error });
    }
  }

  /** Gives it its name. */
  async commit(): Promise<void> {
    await this.file.close();
    await this.#cluster.rename(this.path, this.#name, { timeoutMs: this.#timeoutMs });
  }

  /** Takes it back, whatever the caller's signal says. */
  async discard(): Promise<void> {
    await this.file.close();
    await this.#cluster.remove(this.path, { timeoutMs: TAKE_BACK_MS });
  }
}
