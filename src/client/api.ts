/**
 * The public surface. `at` and lengths are bytes, safe integers, relative to the window, else ERR_RANGE. A promise
 * resolves once the target has applied the access, so that everybody can see it. Sync forms block this thread for the
 * window's `timeoutMs` at most.
 */
import type { Op, Word } from "../structs/words.ts";
import type { Layout as LayoutRecord, Result } from "../wire/control.ts";

export type { Op, Word };

export interface CallOptions {
  /** How long the call may take; default: the cluster's (10 s unless connect() was told otherwise). */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** `auto`: mapped memory where the target is on this machine, else TCP. `direct` and `tcp` insist. */
export type Transport = "auto" | "direct" | "tcp";

/** How a window's bytes are reached: mapped, by commands over a unix socket or TCP, or not all in the same way. */
export type Locality = "direct" | "unix" | "tcp" | "mixed";

export type Durability = "memory" | "stable";

/** Any typed array, DataView or Buffer; `into` is filled whole, `from` is sent whole. */
export type Bytes = ArrayBufferView<ArrayBufferLike>;

export interface ConnectOptions extends CallOptions {
  /**
   * How long targets keep what this process has bound when they do not hear from it, and how long it may use that
   * meanwhile: 500 to 60000 ms, default 10000.
   */
  leaseMs?: number | undefined;
  transport?: Transport | undefined;
  /** The cluster's key, 32 bytes; or a file that holds it. Default: $DIDAFS_KEY_FILE, then the per-user file. */
  key?: Uint8Array | undefined;
  keyFile?: string | undefined;
}

export interface OpenOptions extends CallOptions {
  /** Makes the file where it is missing; `"exclusive"` insists on making it (else EEXIST). Missing without it: ENOENT. */
  create?: boolean | "exclusive" | undefined;
  /** The most that windows on this file may ask for; default "rw". */
  rights?: "r" | "rw" | undefined;
  /** Bytes of a new file; default 0. */
  size?: number | undefined;
  /** Bytes of a new file that lie on one target before the next one's turn: a power of two, at least 4096; default 1 MiB. */
  stripeUnit?: number | undefined;
  /** Targets that a new file is striped over; default 1, so that view() spans the file. */
  targets?: number | undefined;
  /** Where a new file lies; default: whatever the cluster's targets have. */
  drive?: "file" | "memory" | undefined;
  /** POSIX permission bits of a new file; default 0o644. */
  mode?: number | undefined;
}

export interface WindowOptions extends CallOptions {
  /** Default "r". */
  rights?: "r" | "rw" | undefined;
  /**
   * `managed` (the default): mapped read-only, written through the target. `raw`: stored to directly. All windows on a
   * file at a time are of one kind, else ERR_SHARING_CONFLICT.
   */
  sharing?: "managed" | "raw" | undefined;
  /** The range of the file; default all of it. */
  at?: number | undefined;
  length?: number | undefined;
}

export type Layout = LayoutRecord;

export type FileType = "file" | "directory" | "symlink";

/** Times are milliseconds since 1970, with a fraction. */
export interface Stat {
  /** Number of the inode; no other ever has it. */
  readonly inode: number;
  readonly type: FileType;
  /** Bytes; of a symbolic link those of its target, of a directory 0. */
  readonly size: number;
  /** POSIX permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Names of the file; of a directory 2 and one for each directory in it. */
  readonly nlink: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;
  /** Files have one. */
  readonly layout?: Layout | undefined;
}

export interface Dirent {
  readonly name: string;
  readonly type: FileType;
}

/** Room on the drives of the targets that are up, and how much is there. */
export type StatFs = Result<"meta.statfs">;

/** What to change; what is left out stays. Times are milliseconds since 1970. */
export interface Attributes {
  mode?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  atimeMs?: number | undefined;
  mtimeMs?: number | undefined;
}

/** `follow` (default true): a symbolic link stands for what it leads to. */
export type FollowOptions = CallOptions & { follow?: boolean | undefined };

/** Targets, their drives and capacity, and what the metadata service counted. */
export type ClusterStatus = Result<"meta.status">;

/**
 * Paths begin with `/`. Names are bytes: text stands for its UTF-8, and a byte that is no UTF-8 for the lone surrogate
 * U+DC00 plus the byte, in both directions.
 */
export interface Cluster extends AsyncDisposable {
  readonly id: string;
  readonly url: string;
  /** @throws ENOENT, EEXIST, EISDIR, ERR_NO_SPACE, ERR_NO_TARGET, … */
  open(path: string, options?: OpenOptions): Promise<DidafsFile>;
  stat(path: string, options?: FollowOptions): Promise<Stat>;
  /**
   * In the order of names as bytes, behind the name `after`, which need not be there any more: the name of an entry is
   * its cookie. What is there all the while comes exactly once.
   */
  readdir(path: string, options?: CallOptions & { after?: string | undefined }): AsyncIterable<Dirent>;
  mkdir(
    path: string,
    options?: CallOptions & { recursive?: boolean | undefined; mode?: number | undefined },
  ): Promise<void>;
  rename(from: string, to: string, options?: CallOptions): Promise<void>;
  /** What has the file open keeps its bytes until it closes it. `only`: what it must be, else EISDIR or ENOTDIR. */
  remove(
    path: string,
    options?: CallOptions & { recursive?: boolean | undefined; only?: "file" | "directory" | undefined },
  ): Promise<void>;
  /** Gives the file at `existing` one more name. @throws EPERM for a directory, EEXIST, EMLINK */
  link(existing: string, path: string, options?: CallOptions): Promise<void>;
  /** @param target what the link says; it need not exist */
  symlink(target: string, path: string, options?: CallOptions): Promise<void>;
  readlink(path: string, options?: CallOptions): Promise<string>;
  /** Changes mode, owner and times. */
  setAttributes(path: string, attributes: Attributes, options?: FollowOptions): Promise<Stat>;
  /** @throws ENODATA when there is none of that name */
  getXattr(path: string, name: string, options?: FollowOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** `mode`: "create" insists that it is new (EEXIST), "replace" that it is there (ENODATA). At most 64 KiB. */
  setXattr(
    path: string,
    name: string,
    value: Uint8Array,
    options?: FollowOptions & { mode?: "set" | "create" | "replace" | undefined },
  ): Promise<void>;
  listXattrs(path: string, options?: FollowOptions): Promise<string[]>;
  removeXattr(path: string, name: string, options?: FollowOptions): Promise<void>;
  statfs(options?: CallOptions): Promise<StatFs>;
  /**
   * Takes every access to the file back. Once it resolves no window opened before reaches the file over a stream, and
   * nobody can map it without opening it anew; what is mapped already stays with its process.
   */
  revoke(path: string, options?: CallOptions): Promise<void>;
  /** The same object as `didafs status --json`. */
  status(options?: CallOptions): Promise<ClusterStatus>;
  /** Closes files and windows and ends the sessions; idempotent, bounded. Does not flush. */
  close(): Promise<void>;
}

export interface DidafsFile extends AsyncDisposable {
  readonly path: string;
  readonly size: number;
  readonly layout: Layout;
  stat(options?: CallOptions): Promise<Stat>;
  /**
   * Changes the file's length, durably where its drives can. New bytes are zeros. Open windows keep their range: what was
   * cut from it gives ERR_RANGE, also in other processes, until the file grows again. Of windows that reach behind the
   * new end the views are detached, in all files of this Cluster; views in other processes stay, read zeros there, and
   * what is stored to them behind the end is dropped. `size` of this Cluster's files follows.
   * @throws ERR_NO_SPACE, ERR_UNREACHABLE. With `applied` "no" the length is as before. With "unknown" it may be either one,
   * and where a file was to shrink, bytes behind the new end may be in reach of open windows, or be zeros already; they are
   * cut by the next resize.
   */
  resize(size: number, options?: CallOptions): Promise<void>;
  /** @throws ERR_SHARING_CONFLICT, ERR_DATA_LOST, ERR_UNREACHABLE, ERR_NOT_DIRECT (transport "direct" only) */
  window(options?: WindowOptions): Promise<DidafsWindow>;
  close(): Promise<void>;
}

type ViewType<T> = {
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
};

type SameKind<V> = V extends bigint ? bigint : number;

/**
 * A range of a file that is open for access. Number and bigint operands act on the same word; only the type of the
 * result differs. A 64-bit result past 2^53 that was asked for as number: ERR_UNSAFE_INTEGER, the operation applied,
 * with the exact `value`. A word's `at` is aligned to its size, else ERR_ALIGNMENT.
 *
 * Accesses that are naturally aligned and at most 8 bytes long never tear; larger ones may. Accesses to one target
 * take effect in the order of issue; across targets only `flush` orders them.
 */
export interface DidafsWindow extends AsyncDisposable {
  readonly length: number;
  readonly rights: "r" | "rw";
  readonly locality: Locality;
  readonly sharing: "managed" | "raw";
  /** What enforces the rights: the MMU, nothing beyond good faith (same uid), or the target. */
  readonly protection: "mmu" | "advisory" | "checked";
  /** Fills `into`. The caller leaves the buffer alone until the promise settles. */
  get<B extends Bytes>(at: number, into: B, options?: CallOptions): Promise<B>;
  getSync<B extends Bytes>(at: number, into: B): B;
  put(at: number, from: Bytes, options?: CallOptions): Promise<void>;
  putSync(at: number, from: Bytes): void;
  /** Reads a word atomically. */
  load(at: number, word?: Word, options?: CallOptions): Promise<number>;
  loadSync(at: number, word?: Word): number;
  loadBigSync(at: number, word?: "i64" | "u64"): bigint;
  /** Writes a word atomically. */
  store(at: number, value: number | bigint, word?: Word, options?: CallOptions): Promise<void>;
  storeSync(at: number, value: number | bigint, word?: Word): void;
  /** @returns the value before */
  fetchAdd<V extends number | bigint>(
    at: number,
    delta: V,
    word?: Word,
    options?: CallOptions,
  ): Promise<SameKind<V>>;
  fetchAddSync<V extends number | bigint>(at: number, delta: V, word?: Word): SameKind<V>;
  /** @returns the value before */
  fetchOp<V extends number | bigint>(
    op: Op,
    at: number,
    operand: V,
    word?: Word,
    options?: CallOptions,
  ): Promise<SameKind<V>>;
  fetchOpSync<V extends number | bigint>(op: Op, at: number, operand: V, word?: Word): SameKind<V>;
  /** @returns the value before; it was replaced exactly when that equals `expected` */
  compareAndSwap<V extends number | bigint>(
    at: number,
    expected: V,
    desired: V,
    word?: Word,
    options?: CallOptions,
  ): Promise<SameKind<V>>;
  compareAndSwapSync<V extends number | bigint>(
    at: number,
    expected: V,
    desired: V,
    word?: Word,
  ): SameKind<V>;
  /** Applies `op` with each element of `from` to the words from `at`; atomic per element. */
  accumulate(
    op: Op,
    at: number,
    from: Int32Array | Uint32Array | BigInt64Array | BigUint64Array | Float64Array,
    options?: CallOptions,
  ): Promise<void>;
  /**
   * The mapped bytes. Direct windows only (ERR_NOT_DIRECT), one region only (ERR_NOT_CONTIGUOUS); detached on close,
   * when the session ends, and when the file is cut (see DidafsFile.resize). On a window that may not store (rights "r", or managed) the view is a private
   * copy-on-write one: a store to it stays in this process, and cuts its page off from later changes.
   */
  view(at: number, length: number): Uint8Array<ArrayBuffer>;
  view<T>(type: ViewType<T>, at: number, count: number): T;
  /**
   * Resolves when every earlier access through this window, stores to views included, is applied (`memory`, the
   * default) or survives power loss (`stable`; ERR_NOT_DURABLE where a drive involved cannot give that).
   */
  flush(durability?: Durability, options?: CallOptions): Promise<void>;
  flushSync(durability?: Durability): void;
  close(): Promise<void>;
}
