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
   * file at a time are of one kind, else ERR_SHARING_CONFLICT. Raw stores are not fenced: a process that was stopped for
   * longer than its lease may still store for a moment when it goes on, after others were let in. Managed ones are.
   */
  sharing?: "managed" | "raw" | undefined;
  /** The range of the file; default all that its `size` says. Behind that it is looked up whether others made it longer. */
  at?: number | undefined;
  length?: number | undefined;
}

/** `timeoutMs` is for each access, not for the stream; `signal` ends the stream with ERR_ABORTED. */
export interface ReadableOptions extends CallOptions {
  /** The range of the file; default all that it has when the stream is made. */
  at?: number | undefined;
  length?: number | undefined;
  /** Of the stream's window; see WindowOptions. */
  sharing?: "managed" | "raw" | undefined;
}

/** `timeoutMs` is for each access, not for the stream; `signal` ends the stream with ERR_ABORTED. */
export interface WritableOptions extends CallOptions {
  /** Where in the file the first byte goes; default 0. */
  at?: number | undefined;
  /**
   * Writing behind the file's end makes the file longer. It grows in doubling steps, of 256 MiB at most, and has its
   * exact length again once the stream is closed; nobody else should change it meanwhile. Default false: ERR_RANGE,
   * because a file's length is chosen, and a writer that runs over it is more often wrong than not.
   */
  grow?: boolean | undefined;
  /** What closing waits for: all is applied (`memory`, the default), or survives power loss too (`stable`). */
  durability?: Durability | undefined;
  /** Of the stream's window; see WindowOptions. */
  sharing?: "managed" | "raw" | undefined;
}

/** `timeoutMs` is for each access, not for all of them. The layout is that of OpenOptions. */
export interface WriteFileOptions
  extends CallOptions,
    Pick<OpenOptions, "mode" | "targets" | "stripeUnit" | "drive"> {
  /**
   * What the new content survives before it takes the file's name: `stable`: power loss, else ERR_NOT_DURABLE; `memory`:
   * nothing is waited for. Default: the stronger one that the file's drives can give.
   */
  durability?: Durability | undefined;
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
  /** Of a file: when it was made or resized, or what setAttributes said. Accesses through windows do not change it. */
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
  /** What others know this Cluster by: `source` of its notifications. Another one each time somebody connects. */
  readonly origin: string;
  readonly url: string;
  /** @throws ENOENT, EEXIST, EISDIR, ERR_NO_SPACE, ERR_NO_TARGET, … */
  open(path: string, options?: OpenOptions): Promise<DidafsFile>;
  /**
   * All bytes of a file, as many as it has when it is opened. What is put meanwhile may be seen in part. `timeoutMs` is
   * for each access, not for all of them.
   * @throws what `open` and `get` throw; ERR_TOO_MANY where they do not fit the memory: see DidafsFile.readable
   */
  readFile(path: string, options?: CallOptions): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Replaces the whole content of a file, or makes it, and the directories on the way to it. Text becomes UTF-8.
   *
   * The new content is written to a file beside it, which then takes its name: whoever opens the name finds all of the
   * old content or all of the new, whatever fails. What has the file open, and other names of it, keep the old content. A
   * file that is replaced passes on mode, owner, extended attributes, and where not told otherwise the shape of its
   * layout. Behind a symbolic link what it leads to is replaced. One that fails leaves what was there; when the process
   * is killed, or the cluster does not answer, also a `.didafs-….part` file beside it, which may be removed.
   * @throws EISDIR, ERR_NO_SPACE, ERR_NOT_DURABLE, and what `data` throws
   */
  writeFile(
    path: string,
    data: Bytes | string | AsyncIterable<Uint8Array>,
    options?: WriteFileOptions,
  ): Promise<void>;
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
   * nobody can map it without opening it anew; what is mapped already stays with its process. Holders that do not answer
   * are waited for until their leases have ended, so `timeoutMs` is 87 s here unless this call says otherwise.
   * @throws ERR_TIMEOUT, `applied` "unknown": who opens the file anew is safe, old windows may still reach it
   */
  revoke(path: string, options?: CallOptions): Promise<void>;
  /** The same object as `didafs status --json`. */
  status(options?: CallOptions): Promise<ClusterStatus>;
  /**
   * Runs `body` as one epoch over all of `windows`: with atomicity "all" they commit together or not at all. The epoch's
   * accesses are those of the arguments, in the order of the windows; the windows' own go on beside it.
   *
   * Where the body throws, nothing of an atomic epoch takes effect, and its error is passed on, unless what it has read was
   * not there together. After ERR_EPOCH_CONFLICT it runs again, as often as `retries` says, so it should change nothing but
   * its windows.
   * @throws ERR_EPOCH_CONFLICT; ERR_INVALID_EPOCH for guarantees that exclude each other, and inside the body of another epoch;
   *   ERR_REGION_RAW, ERR_NOT_DURABLE, ERR_NOT_SUPPORTED where a window cannot give what is asked. `applied` "unknown": the
   *   answer was lost; it took effect everywhere or nowhere, and a new epoch that looks sees which. With atomicity "none":
   *   its accesses took effect as they were made, and what the close adds to that is not known
   */
  epoch<const W extends readonly DidafsWindow[], T>(
    windows: W,
    options: EpochOptions,
    body: (...accesses: { [K in keyof W]: EpochAccess }) => Promise<T>,
  ): Promise<T>;
  /** The same without a body, for windows that are named as they are needed. `retries` is no option of it. */
  beginEpoch(options?: EpochOptions): Promise<Epoch>;
  /**
   * Becomes a member of the group with that name, once as many have come as it is to have. Whoever asks names the same size; this
   * Cluster is one member. A name is free again when all members of its last group have left or ended: until then this waits,
   * too. Two that are told different homes for a name, because a target came for the first time or was away for more than a
   * minute meanwhile, do not meet: ERR_TIMEOUT.
   * @throws ERR_TIMEOUT where not all came in time: it is as if nobody had asked. ERR_GROUP_TAKEN: the group has all its members,
   *   or another one has that rank, or this Cluster is a member. ERR_INVALID_ARGUMENT: the group has another size.
   *   ERR_GROUP_ENDED: not all have left the last group; ERR_TOO_MANY; ERR_UNREACHABLE: its home is down
   */
  group(name: string, options: GroupOptions): Promise<Group>;
  /** Closes files and windows, leaves groups, and ends the sessions; idempotent, bounded. Does not flush. */
  close(): Promise<void>;
}

export interface DidafsFile extends AsyncDisposable {
  /** The name that it was opened by; it may have others by now, or none. */
  readonly path: string;
  /** As this object has last heard: when it was opened, resized by this Cluster, or asked for. */
  readonly size: number;
  readonly layout: Layout;
  /** Of this file, also when its name is another's by now, or it has none (`nlink` 0). `size` follows. */
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
  /**
   * The bytes of a range in order: a byte stream, which fills readers' own buffers too (`mode: "byob"`). It opens a
   * window when it is first read from, and closes it once all is read, or it is cancelled or fails. Where the bytes are
   * not mapped it reads ahead, 4 MiB at most; a reader that pauses pauses that. It fails once, with what the window throws.
   * For Node's streams: `Readable.fromWeb(file.readable())`.
   * @throws ERR_RANGE when the range leaves the file, ERR_CLOSED
   */
  readable(options?: ReadableOptions): ReadableStream<Uint8Array>;
  /**
   * Writes in place, from `at` on. A chunk may be used again once its write has resolved; up to 4 MiB are then on their way.
   * Closing resolves when all of it is applied, and the window closed. A stream that fails or is aborted has changed a part
   * of its range, and cuts a file that it made longer to its former length, if it still can. It fails once, with what the
   * window throws; ERR_RANGE before anything of a chunk is written that would end behind the file's end. For Node's
   * streams: `Writable.fromWeb(file.writable())`.
   */
  writable(options?: WritableOptions): WritableStream<Uint8Array>;
  close(): Promise<void>;
}

/** Ranges of a window: `at` and length of the first, then those of the next. A Float64Array, or a plain array. */
export type Vector = ArrayLike<number>;

/**
 * Gets and puts that are issued together, pipelined over all regions, and waited for with one promise; what each needs
 * is used again by the next run. Those of one region take effect in the order in which they were added. After a run the
 * batch is empty, and can be filled again; meanwhile it refuses to be used (ERR_INVALID_ARGUMENT). A buffer that was
 * detached since it was added fails the run likewise.
 *
 * A run fails with the first error in that order, once no buffer is in use any more; what was added behind may have been
 * done or not, and `applied` says whether a put may have.
 */
export interface Batch {
  /** Accesses that were added and not run yet; one may count as several where it lies on several regions. */
  readonly count: number;
  /** Fills `into`, which the caller leaves alone until the run has ended. @throws ERR_RANGE */
  get(at: number, into: Bytes): this;
  /** @throws ERR_RANGE, ERR_RIGHTS */
  put(at: number, from: Bytes): this;
  /** Gathers: fills `into` with the bytes of the vector's ranges, one after the other. @throws ERR_RANGE */
  getVector(vector: Vector, into: Bytes): this;
  /** Scatters: puts the bytes of `from`, one run after the other, to the vector's ranges. @throws ERR_RANGE, ERR_RIGHTS */
  putVector(vector: Vector, from: Bytes): this;
  run(options?: CallOptions): Promise<void>;
  /** Blocks this thread for the window's `timeoutMs` at most. */
  runSync(): void;
}

type ViewType<T> = {
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
};

type SameKind<V> = V extends bigint ? bigint : number;

/** How a word is waited for. */
export interface WaitOptions extends CallOptions {
  /** Its values are bigints; of words of 64 bits only. */
  readonly bigint?: boolean | undefined;
}

/** Bytes of a window, and how they are locked: many may hold a lock that is shared, one alone one that is exclusive. */
export interface Range {
  readonly at: number;
  readonly length: number;
  readonly mode: "shared" | "exclusive";
}

/** A lock that is held, until it is released, its window is closed, or it is lost. */
export interface Lock extends AsyncDisposable {
  readonly range: Range;
  /**
   * Aborted when the lock is held no longer though nobody released it, and others may get it: the session with a target has
   * ended (the reason is ERR_SESSION_LOST), or access was taken back (ERR_REVOKED). What other targets hold for it stays until it
   * is released.
   */
  readonly lost: AbortSignal;
  /** Also of a lock that is lost, or released already. @throws ERR_TIMEOUT: then it ends with its window, or the session */
  release(): Promise<void>;
}

/** Which notifications a queue lets in; default: all. */
export interface NotificationFilter {
  /** The `origin` of the Cluster that notifies. */
  readonly source?: string | undefined;
  readonly tag?: number | undefined;
}

export interface QueueOptions extends NotificationFilter, CallOptions {
  /**
   * Notifications that it keeps, for each region that the window has bytes on, and as many, 64 at most, of each raw window that
   * notifies from the same host; then those who notify wait. Default 1024, at most 16,384.
   */
  readonly capacity?: number | undefined;
}

/** An access of somebody that has taken effect. */
export interface Notification {
  /** The `origin` of the Cluster that made it. */
  readonly source: string;
  readonly tag: number;
  /** The bytes, as far as they are in the queue's window, and where in it they begin. */
  readonly at: number;
  readonly length: number;
}

/**
 * Notifications, each once. Those of one source to bytes of one region come in the order of its accesses. Who waits uses no
 * processor, but that a raw window on the target's own host looks for some 50 us first, on its thread. Iterating waits as long as it takes, and ends when the queue is closed.
 */
export interface NotificationQueue extends AsyncIterable<Notification>, AsyncDisposable {
  /**
   * The next one; several calls are served in their order.
   * @throws ERR_TIMEOUT, ERR_ABORTED: it will be told to the next call; ERR_TOO_MANY, to be tried again later: so many peers of the
   *   target do not read that nobody else may wait; ERR_SESSION_LOST, ERR_REVOKED: what was not told is lost, and the window is to
   *   be opened anew; ERR_CLOSED
   */
  next(options?: CallOptions): Promise<Notification>;
  /**
   * One that has come already, and is here; while there is none, each call sees to it that one that comes gets here.
   * @throws what ended the queue, as `next`
   */
  tryNext(): Notification | undefined;
  close(): Promise<void>;
}

/** Counts notifications, each once. Iterating waits as long as it takes, and ends when it is closed. */
export interface NotificationCounter extends AsyncIterable<number>, AsyncDisposable {
  /** Waits until there were any. @returns how many since they were last told @throws as NotificationQueue.next */
  next(options?: CallOptions): Promise<number>;
  /** As many as are known here, which may be 0, as NotificationQueue.tryNext. */
  take(): number;
  close(): Promise<void>;
}

/** `timeoutMs`: how long others may take to come. */
export interface GroupOptions extends CallOptions {
  /** How many members the group has, 2 to 1024. */
  readonly size: number;
  /** 0 to size - 1; default: any that is left when all have come, in the order of joining. */
  readonly rank?: number | undefined;
}

/**
 * A member's hold on a group of processes, until it leaves, or the group ends. That is what happens to all of it when a member
 * leaves, its process or its session ends, or it does not come to a barrier in time. Then every barrier that is under way, and each
 * later one, is rejected with ERR_GROUP_ENDED, whose `value` is the rank of that member; who wants to go on joins anew.
 */
export interface Group extends AsyncDisposable {
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  /**
   * Resolves when all members have called it as often. One that not all have come to within `timeoutMs`, of whoever waits first
   * for so long, ends the group; the lowest rank that is missing is named. Who ends a call by its signal, or gets ERR_TIMEOUT
   * because the target does not answer at all, leaves the group; others may still pass that one barrier.
   * @throws ERR_GROUP_ENDED, ERR_SESSION_LOST (with its home), ERR_ABORTED, ERR_CLOSED once it was left
   */
  barrier(options?: CallOptions): Promise<void>;
  /** Ends the group for the others, if they go on; idempotent. */
  leave(): Promise<void>;
}

/** What a flush is about. */
export interface FlushOptions extends CallOptions {
  /** Only what lies on that target (see DidafsFile.layout), else all. */
  readonly target?: string | undefined;
}

/** Bytes that an epoch with isolation "shared" or "exclusive" locks. */
export interface EpochRange {
  /** Needed where the epoch has several windows, or none yet. */
  readonly window?: DidafsWindow | undefined;
  readonly at: number;
  readonly length: number;
}

/**
 * What an epoch guarantees, each on its own; the default is the safe one. `timeoutMs` is for each access in it and for its
 * close, not for all of them; `signal` ends it, also while it closes.
 */
export interface EpochOptions extends CallOptions {
  /** `all`: its writes take effect together when it closes, or none does, whoever fails; it reads its own before. */
  atomicity?: "all" | "none" | undefined;
  /**
   * `release`: it sees all of epochs closed before it, and closing makes all of it visible. `relaxed`: only flush orders.
   * `sequential`: each access has taken effect everywhere before the next is issued.
   */
  consistency?: "relaxed" | "release" | "sequential" | undefined;
  /**
   * `serializable`: as if no other epoch ran meanwhile; what was read is validated at the close, and who comes second gets
   * ERR_EPOCH_CONFLICT. `exclusive`, `shared` (it only reads): locks on `ranges` until it is closed (see DidafsWindow.lock).
   */
  isolation?: "none" | "shared" | "exclusive" | "serializable" | undefined;
  /**
   * What its writes outlast once it is closed: the origin's crash (`memory`), power loss too (`stable`). Default: the
   * strongest that the drives of its windows give.
   */
  durability?: "none" | "memory" | "stable" | "replicated" | undefined;
  /** What isolation "shared" and "exclusive" lock; default: all of its windows. */
  ranges?: readonly EpochRange[] | undefined;
  /** How often the body runs again after ERR_EPOCH_CONFLICT; default 0. */
  retries?: number | undefined;
}

/**
 * The accesses of an epoch to one window, as the window's own. Those of an atomic epoch take effect within it in the order
 * in which they are made; once it is over they throw ERR_CLOSED.
 */
export type EpochAccess = Pick<
  DidafsWindow,
  "get" | "put" | "load" | "store" | "fetchAdd" | "fetchOp" | "compareAndSwap" | "accumulate"
>;

/** An epoch without a body. Either `commit` or `abort` ends it; disposing of it aborts what was not committed. */
export interface Epoch extends AsyncDisposable {
  /** Its accesses to that window. @throws ERR_REGION_RAW, ERR_NOT_DURABLE, ERR_CLOSED */
  on(window: DidafsWindow): EpochAccess;
  /** @throws see Cluster.epoch */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

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
  /** For many gets and puts at a time; reusable. */
  batch(): Batch;
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
  flush(durability?: Durability, options?: FlushOptions): Promise<void>;
  flushSync(durability?: Durability): void;
  /**
   * Runs `body` as one epoch on this window; see Cluster.epoch. By default all of it takes effect or nothing, as if no other
   * epoch ran at the same time, and outlasts what the window's drives outlast.
   */
  epoch<T>(body: (access: EpochAccess) => Promise<T>): Promise<T>;
  epoch<T>(options: EpochOptions, body: (access: EpochAccess) => Promise<T>): Promise<T>;
  /**
   * Waits for a word to be what is wanted: resolves with its value once `isIt(value)` is true. Meanwhile it sleeps; the word's
   * target wakes it when the word is another one, so `isIt` sees values that were there, in their order, and not each of them:
   * who must miss none counts up. A Cluster may have 64 calls waiting at one worker of a target, with those that were given up and
   * are not answered yet. A value past 2^53 is ERR_UNSAFE_INTEGER, unless bigints are asked for by `{ bigint: true }`. What `isIt`
   * throws ends the call. Stores through a view count once its window is flushed, or within half a minute. `timeoutMs` is for the whole call.
   * @throws ERR_TIMEOUT, ERR_ABORTED, ERR_CLOSED, ERR_REVOKED, ERR_SESSION_LOST; ERR_RANGE when the file is cut there; ERR_TOO_MANY
   */
  waitUntil(
    at: number,
    isIt: (value: number) => boolean,
    word?: Word,
    options?: CallOptions,
  ): Promise<number>;
  waitUntil(
    at: number,
    isIt: (value: bigint) => boolean,
    word: "i64" | "u64",
    options: WaitOptions & { bigint: true },
  ): Promise<bigint>;
  /**
   * Locks bytes against everybody who asks for a lock on them, other calls of this program included; first come, first served.
   * Locks are advisory: accesses do not look at them. An exclusive one needs a window that may write. Waits as long as the
   * call may take.
   * @throws ERR_TIMEOUT, ERR_ABORTED; ERR_DEADLOCK, naming who waits for whom: release what you hold and begin again; ERR_RANGE,
   *   ERR_RIGHTS, ERR_TOO_MANY, ERR_SESSION_LOST. In each case it is not held (`applied` is "no").
   */
  lock(range: Range, options?: CallOptions): Promise<Lock>;
  /** Like `lock`, but where it would have to wait it resolves to undefined at once. */
  tryLock(range: Range, options?: CallOptions): Promise<Lock | undefined>;
  /** A shared lock on the whole window: beside others of its kind, and exclusive of whoever wants bytes of it alone. */
  lockAll(options?: CallOptions): Promise<Lock>;
  /**
   * Flushes what went through this window, then comes to the group's barrier, both within `timeoutMs`: once it resolves all
   * members see what each of them has put before its own fence. Where the flush fails this member does not come to the barrier.
   * @throws what `flush` and Group.barrier throw
   */
  fence(group: Group, options?: CallOptions): Promise<void>;
  /**
   * Puts bytes, and then tells all queues that match (see `notifications`), at the bytes' home: nobody is told before all of
   * the bytes are there. As many messages as `put`: none where both windows are raw, may write, and are mapped, but to wake who
   * sleeps. Resolves once each of these queues has had room: a slow
   * reader slows those who notify him. Where nobody has opened a queue it is a put.
   *
   * Up to 32 of a Cluster are under way at one worker of a target; a further one is issued when one of them is answered, and so behind
   * what was issued meanwhile, and one that is cut (see `notifications`) when its other parts are answered. `flush` waits for that,
   * `flushSync` cannot.
   * @param tag what the queue's owner is told besides: a whole number from 0 to 2^32 - 1
   * @throws what `put` throws; ERR_TOO_MANY, to be tried again later: 1,024 of the session's notifications wait already. After
   *   ERR_TIMEOUT and ERR_ABORTED with `applied` "unknown" it waits on, and is told when there is room; with "no" it was not issued
   */
  putNotify(at: number, from: Bytes, tag: number, options?: CallOptions): Promise<void>;
  /** Fills `into` and then tells all queues that match that these bytes have been read, so that they may be written anew. */
  getNotify<B extends Bytes>(at: number, into: B, tag: number, options?: CallOptions): Promise<B>;
  /**
   * Opens a queue of the notifications that come with accesses to bytes of this window, from anybody, by any window: from now
   * on until it is closed, its window is, or the session with a target ends. An access that is cut, because it lies on several
   * regions or is longer than 1 MiB (a `getNotify`: 64 KiB), counts as being where its last part is.
   * @throws ERR_RANGE (the window has no byte), ERR_TOO_MANY
   */
  notifications(options?: QueueOptions): Promise<NotificationQueue>;
  /** The same, of a queue that keeps only how many there were, and so has room for all. */
  countNotifications(options?: NotificationFilter & CallOptions): Promise<NotificationCounter>;
  /**
   * Refuses accesses with ERR_CLOSED from now on and detaches views, and so ends epochs that are not closing yet; resolves when
   * what was issued before has ended and the locks are released. Idempotent. Does not flush.
   */
  close(): Promise<void>;
}
