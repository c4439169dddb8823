import type { Random } from "../ports/random.ts";
import { DidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type { Params, Result } from "../wire/control.ts";
import type { MetaMethod } from "./agent-messages.ts";
import type {
  Attributes,
  Bytes,
  CallOptions,
  Cluster,
  ClusterStatus,
  DidafsFile,
  DidafsWindow,
  Dirent,
  Epoch,
  EpochAccess,
  EpochOptions,
  FollowOptions,
  Group,
  GroupOptions,
  OpenOptions,
  Stat,
  StatFs,
  Transport,
  WriteFileOptions,
} from "./api.ts";
import { callLimits, checkOneOf, REVOKE_TIMEOUT_MS } from "./call-limits.ts";
import { Epochs } from "./epochs.ts";
import { File } from "./file.ts";
import { Groups } from "./groups.ts";
import { bytesOf } from "./operands.ts";
import type { Origin } from "./origin.ts";
import { readFile, type WholeFilePorts, writeFile } from "./whole-files.ts";

export interface ClusterParts {
  readonly id: string;
  /** The public key of `origin`. */
  readonly originKey: string;
  readonly url: string;
  readonly origin: Origin;
  readonly random: Random;
  readonly transport: Transport;
  readonly timeoutMs: number;
  /** Whom new files and directories belong to. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Stops the agent, and for an embedded cluster its services; called once. */
  readonly stop: () => Promise<void>;
}

/** See Cluster in api.ts. */
export class ClusterClient implements Cluster {
  readonly id: string;
  readonly origin: string;
  readonly url: string;
  readonly #parts: ClusterParts;
  readonly #files = new Set<File>();
  readonly #epochs: Epochs;
  readonly #groups: Groups;
  #closing: Promise<void> | undefined;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.origin = parts.originKey;
    this.url = parts.url;
    this.#epochs = new Epochs(parts.origin, parts.timeoutMs);
    this.#groups = new Groups(parts);
  }

  async open(path: string, options: OpenOptions = {}): Promise<DidafsFile> {
    const { create = false, rights = "rw", size, stripeUnit, targets, drive, mode } = options;
    checkOneOf("rights", rights, ["r", "rw"]);
    const opened = await this.#parts.origin.meta.call(
      "meta.open",
      {
        path,
        create: create === "exclusive" ? "exclusive" : create ? "yes" : "no",
        rights,
        size,
        stripeUnit,
        targets,
        drive,
        mode,
        owner: this.#parts.owner,
      },
      this.#limits(options),
    );
    const file = new File(
      {
        origin: this.#parts.origin,
        epochs: this.#epochs,
        transport: this.#parts.transport,
        timeoutMs: this.#parts.timeoutMs,
        stat: (inode, options) => this.call("meta.stat", { inode }, options),
        resize: (...args) => this.#resize(...args),
        grant: (...args) => this.#parts.origin.meta.call("meta.grant", ...args),
      },
      path,
      rights,
      opened,
      (closed) => this.#files.delete(closed),
    );
    this.#files.add(file);
    return file;
  }

  async readFile(path: string, options: CallOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { timeoutMs, signal } = options;
    return await readFile(this, path, { timeoutMs, signal }, this.#ports());
  }

  async writeFile(
    path: string,
    data: Bytes | string | AsyncIterable<Uint8Array>,
    options: WriteFileOptions = {},
  ): Promise<void> {
    await writeFile(this, path, data, options, this.#ports());
  }

  stat(path: string, options: FollowOptions = {}): Promise<Stat> {
    const { follow = true } = options;
    return this.call("meta.stat", { path, follow }, options);
  }

  async *readdir(
    path: string,
    options: CallOptions & { after?: string | undefined } = {},
  ): AsyncGenerator<Dirent, void, undefined> {
    let { after } = options;
    let directory: Params<"meta.readdir">["directory"] = { path };
    for (;;) {
      const params = { directory, after };
      const page: Result<"meta.readdir"> = await this.call("meta.readdir", params, options);
      yield* page.entries;
      if (!page.more) return;
      directory = { inode: page.inode };
      after = page.entries.at(-1)?.name;
    }
  }

  async mkdir(
    path: string,
    options: CallOptions & { recursive?: boolean | undefined; mode?: number | undefined } = {},
  ): Promise<void> {
    const { recursive = false, mode } = options;
    const { owner } = this.#parts;
    await this.call("meta.mkdir", { path, recursive, mode, owner }, options);
  }

  async rename(from: string, to: string, options?: CallOptions): Promise<void> {
    await this.call("meta.rename", { from, to }, options);
  }

  async remove(
    path: string,
    options: CallOptions & { recursive?: boolean | undefined; only?: "file" | "directory" | undefined } = {},
  ): Promise<void> {
    const { recursive = false, only } = options;
    await this.call("meta.remove", { path, recursive, only }, options);
  }

  async link(existing: string, path: string, options?: CallOptions): Promise<void> {
    await this.call("meta.link", { existing, path }, options);
  }

  async symlink(target: string, path: string, options?: CallOptions): Promise<void> {
    await this.call("meta.symlink", { target, path, owner: this.#parts.owner }, options);
  }

  async readlink(path: string, options?: CallOptions): Promise<string> {
    const { target } = await this.call("meta.readlink", { path }, options);
    return target;
  }

  setAttributes(path: string, attributes: Attributes, options: FollowOptions = {}): Promise<Stat> {
    const { mode, uid, gid, atimeMs, mtimeMs } = attributes;
    const { follow = true } = options;
    const params = { path, follow, mode, uid, gid, atimeMs, mtimeMs };
    return this.call("meta.setattr", params, options);
  }

  async getXattr(path: string, name: string, options: FollowOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { follow = true } = options;
    const { value } = await this.call("meta.getxattr", { path, follow, name }, options);
    return new Uint8Array(Buffer.from(value, "base64"));
  }

  async setXattr(
    path: string,
    name: string,
    value: Uint8Array,
    options: FollowOptions & { mode?: "set" | "create" | "replace" | undefined } = {},
  ): Promise<void> {
    const { follow = true, mode = "set" } = options;
    const { buffer, byteOffset, byteLength } = bytesOf(value);
    const base64 = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    await this.call("meta.setxattr", { path, follow, name, value: base64, mode }, options);
  }

  async listXattrs(path: string, options: FollowOptions = {}): Promise<string[]> {
    const { follow = true } = options;
    const { names } = await this.call("meta.listxattr", { path, follow }, options);
    return names;
  }

  async removeXattr(path: string, name: string, options: FollowOptions = {}): Promise<void> {
    const { follow = true } = options;
    await this.call("meta.removexattr", { path, follow, name }, options);
  }

  statfs(options?: CallOptions): Promise<StatFs> {
    return this.call("meta.statfs", {}, options);
  }

  async revoke(path: string, options?: CallOptions): Promise<void> {
    const limits = callLimits(options, Math.max(REVOKE_TIMEOUT_MS, this.#parts.timeoutMs));
    await this.#parts.origin.meta.call("meta.revoke", { path }, limits);
  }

  status(options?: CallOptions): Promise<ClusterStatus> {
    return this.#parts.origin.meta.call("meta.status", {}, this.#limits(options));
  }

  /** Any call of the metadata service: for tools that need more than the library's front. */
  call<M extends MetaMethod>(method: M, params: Params<M>, options?: CallOptions): Promise<Result<M>> {
    return this.#parts.origin.meta.call(method, params, this.#limits(options));
  }

  async epoch<const W extends readonly DidafsWindow[], T>(
    windows: W,
    options: EpochOptions,
    body: (...accesses: { [K in keyof W]: EpochAccess }) => Promise<T>,
  ): Promise<T> {
    return this.#epochs.run(windows, options, body as (...accesses: EpochAccess[]) => Promise<T>);
  }

  async beginEpoch(options: EpochOptions = {}): Promise<Epoch> {
    return this.#epochs.begin(options);
  }

  async group(name: string, options: GroupOptions): Promise<Group> {
    return this.#groups.join(name, options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...[...this.#files].map((file) => file.close()), this.#groups.close()]);
    this.#parts.origin.close();
    await this.#parts.stop();
    this.#parts.origin.link.fail(new DidafsError("ERR_CLOSED", "the cluster is closed"));
  }

  async #resize(inode: number, size: number, options?: CallOptions): Promise<void> {
    const stat = await this.call("meta.resize", { inode, size }, options);
    for (const file of this.#files) file.resized(inode, stat.size);
  }

  #ports(): WholeFilePorts {
    const { random, origin } = this.#parts;
    return { random, turn: () => origin.turn() };
  }

  #limits(options: CallOptions | undefined): CallLimits {
    return callLimits(options, this.#parts.timeoutMs);
  }
}
