import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import { RemoteBinding } from "../transport/transfer.ts";
import type { Endpoint, Params, Result } from "../wire/control.ts";
import type {
  CallOptions,
  DidafsFile,
  DidafsWindow,
  Layout,
  Locality,
  ReadableOptions,
  Stat,
  Transport,
  WindowOptions,
  WritableOptions,
} from "./api.ts";
import { callLimits, checkOneOf } from "./call-limits.ts";
import type { EpochRegion } from "./epoch-window.ts";
import type { Epochs } from "./epochs.ts";
import { fileReadable } from "./file-readable.ts";
import { fileWritable } from "./file-writable.ts";
import type { BoundRegion, Origin } from "./origin.ts";
import { type Binding, Stripes } from "./stripes.ts";
import { Window } from "./window.ts";

/** What a file needs of its cluster. */
export interface FileContext {
  readonly origin: Origin;
  readonly epochs: Epochs;
  readonly transport: Transport;
  readonly timeoutMs: number;
  /** Of a file that is open, whatever names it has by now. */
  stat(inode: number, options?: CallOptions): Promise<Stat>;
  /** Fresh addresses and capabilities for a file that is open. */
  grant(params: Params<"meta.grant">, limits: CallLimits): Promise<Result<"meta.grant">>;
  /** Changes the size of an open file; once it has changed, all of the cluster's files learn it by `resized`. */
  resize(inode: number, size: number, options?: CallOptions): Promise<void>;
}

/** See DidafsFile in api.ts. */
export class File implements DidafsFile {
  readonly path: string;
  readonly layout: Layout;
  #size: number;
  readonly #context: FileContext;
  readonly #inode: number;
  /** The most that windows may ask for. */
  readonly #rights: "r" | "rw";
  /** Where the targets are, and what lets this origin in. */
  #access: Pick<Result<"meta.grant">, "endpoints" | "capabilities">;
  #granting: Promise<void> | undefined;
  readonly #windows = new Set<Window>();
  readonly #onClose: (file: File) => void;
  #closed = false;

  constructor(
    context: FileContext,
    path: string,
    rights: "r" | "rw",
    { stat, ...access }: Result<"meta.grant">,
    onClose: (file: File) => void,
  ) {
    if (stat.layout === undefined) throw new DidafsError("EISDIR", `${path} is a directory`, { path });
    this.#context = context;
    this.path = path;
    this.#size = stat.size;
    this.layout = stat.layout;
    this.#inode = stat.inode;
    this.#rights = rights;
    this.#access = access;
    this.#onClose = onClose;
  }

  get size(): number {
    return this.#size;
  }

  async stat(options?: CallOptions): Promise<Stat> {
    this.#checkOpen();
    try {
      const stat = await this.#context.stat(this.#inode, options);
      this.#size = stat.size;
      return stat;
    } catch (error) {
      throw aboutPath(error, this.path);
    }
  }

  async resize(size: number, options?: CallOptions): Promise<void> {
    this.#checkOpen();
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new DidafsError("ERR_INVALID_ARGUMENT", `size is a number of bytes, not ${size}`, {
        path: this.path,
      });
    }
    try {
      await this.#context.resize(this.#inode, size, options);
    } catch (error) {
      throw aboutPath(error, this.path);
    }
  }

  /** The file with that inode has another size now: the views of what was cut end. @throws ERR_IO */
  resized(inode: number, size: number): void {
    if (inode !== this.#inode) return;
    this.#size = size;
    for (const window of this.#windows) window.detachViews(size);
  }

  async window(options: WindowOptions = {}): Promise<DidafsWindow> {
    this.#checkOpen();
    const timeoutMs = options.timeoutMs ?? this.#context.timeoutMs;
    let limits = callLimits(options, timeoutMs);
    const { rights = "r", sharing = "managed" } = options;
    checkOneOf("rights", rights, ["r", "rw"]);
    checkOneOf("sharing", sharing, ["managed", "raw"]);
    this.#checkRights(rights);
    const deadlineMs = this.#context.origin.nowMs() + limits.timeoutMs;
    const stripes = this.#stripes(options) ?? (await this.#grownStripes(options, limits));
    limits = { ...limits, timeoutMs: Math.max(deadlineMs - this.#context.origin.nowMs(), 1) };
    const bound = await this.#bindAll(stripes, rights, sharing, limits);
    if (this.#closed) await this.#release([...bound.values()], { ...limits, signal: undefined });
    this.#checkOpen();
    const accesses = this.layout.regions.map((_, index) => bound.get(index)?.access);
    const window: Window = new Window({
      path: this.path,
      rights,
      sharing,
      protection: weakest([...bound.values()]),
      locality: localityOf([...bound.values()]),
      stripes,
      accesses,
      volatileDrive: stripes.bindings.some(({ index }) => this.layout.regions[index]?.drive === "memory"),
      timeoutMs: limits.timeoutMs,
      regions: this.layout.regions.map((_, index) => this.#epochRegion(stripes, index, bound.get(index))),
      epoch: (options, body) => this.#context.epochs.run([window], options, body),
      lockCycle: (index) => {
        const { session } = bound.get(index) as BoundRegion;
        return this.#context.origin.link.call("cycle", { session }, { ...limits, signal: undefined });
      },
      release: async () => {
        this.#windows.delete(window);
        await this.#release([...bound.values()], { ...limits, signal: undefined });
      },
    });
    this.#windows.add(window);
    this.#context.epochs.add(window.forEpochs());
    return window;
  }

  #epochRegion(stripes: Stripes, index: number, bound: BoundRegion | undefined): EpochRegion | undefined {
    const binding = stripes.bindings.find((known) => known.index === index);
    if (bound === undefined || binding === undefined) return undefined;
    return {
      inode: this.#inode,
      bound,
      key: `${bound.session}.${this.#inode}.${index}`,
      at: binding.at,
      drive: this.layout.regions[index]?.drive ?? "file",
      binding: new RemoteBinding(bound.handle),
    };
  }

  readable(options: ReadableOptions = {}): ReadableStream<Uint8Array> {
    this.#checkOpen();
    const { timeoutMs, signal, sharing } = options;
    const stripes = this.#stripes(options);
    if (stripes === undefined) throw this.#outOfRange(options.at ?? 0, options.length ?? 0);
    const { start: at, length } = stripes;
    const open = (call: CallOptions): Promise<DidafsWindow> => this.window({ ...call, sharing });
    const turn = (): Promise<void> => this.#context.origin.turn();
    return fileReadable({ open, at, end: at + length, turn, timeoutMs, signal });
  }

  writable(options: WritableOptions = {}): WritableStream<Uint8Array> {
    this.#checkOpen();
    const { at = 0, grow = false, sharing, durability = "memory", timeoutMs, signal } = options;
    checkOneOf("durability", durability, ["memory", "stable"]);
    this.#checkRights("rw");
    if (!(Number.isSafeInteger(at) && at >= 0) || (at > this.size && !grow)) throw this.#outOfRange(at, 0);
    const turn = (): Promise<void> => this.#context.origin.turn();
    return fileWritable({ file: this, at, grow, sharing, durability, turn, timeoutMs, signal });
  }

  async close(): Promise<void> {
    const isFirst = !this.#closed;
    this.#closed = true;
    this.#onClose(this);
    try {
      await Promise.all([...this.#windows].map((window) => window.close()));
    } finally {
      if (isFirst) this.#context.origin.meta.closed(this.#inode);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new DidafsError("ERR_CLOSED", `the file ${this.path} is closed`, { path: this.path });
  }

  #checkRights(rights: "r" | "rw"): void {
    if (rights === "r" || this.#rights === "rw") return;
    throw new DidafsError("ERR_RIGHTS", `${this.path} was opened with rights "r"`, { path: this.path });
  }

  #outOfRange(at: number, length: number): DidafsError {
    const message = `${length} bytes at ${at} are not inside the file's ${this.size} bytes`;
    return new DidafsError("ERR_RANGE", message, { path: this.path });
  }

  /** @returns undefined where the range leaves the file as it is known here */
  #stripes({ at = 0, length = this.size - at }: WindowOptions): Stripes | undefined {
    const fits = Number.isSafeInteger(at) && Number.isSafeInteger(length) && at >= 0 && length >= 0;
    if (!fits || at + length > this.size) return undefined;
    return new Stripes(at, length, this.layout.stripeUnit, this.layout.regions.length);
  }

  /** Others may have made the file longer: the metadata service is asked, once. @throws ERR_RANGE */
  async #grownStripes(options: WindowOptions, limits: CallLimits): Promise<Stripes> {
    const { at = 0, length = 0 } = options;
    const mayBeThere = [at, length, at + length].every((bytes) => Number.isSafeInteger(bytes) && bytes >= 0);
    if (mayBeThere) {
      try {
        await this.#grantAgain(limits);
      } catch (error) {
        throw aboutPath(error, this.path);
      }
    }
    const stripes = this.#stripes(options);
    if (stripes !== undefined) return stripes;
    throw this.#outOfRange(at, length);
  }

  /** All regions at once; when one fails, what the others gave is given back. */
  async #bindAll(
    stripes: Stripes,
    rights: "r" | "rw",
    sharing: "managed" | "raw",
    limits: CallLimits,
  ): Promise<Map<number, BoundRegion>> {
    const outcomes = await Promise.allSettled(
      stripes.bindings.map((binding) => this.#bind(binding, rights, sharing, limits)),
    );
    const bound = new Map<number, BoundRegion>();
    let failure: unknown;
    outcomes.forEach((outcome, i) => {
      if (outcome.status === "fulfilled") bound.set((stripes.bindings[i] as Binding).index, outcome.value);
      else failure ??= outcome.reason;
    });
    if (failure === undefined) return bound;
    await this.#release([...bound.values()], { ...limits, signal: undefined });
    throw aboutPath(failure, this.path);
  }

  /**
   * Capabilities run out, and a target that was started again since takes other ones and listens elsewhere: the
   * metadata service is asked, once.
   */
  async #bind(
    binding: Binding,
    rights: "r" | "rw",
    sharing: "managed" | "raw",
    limits: CallLimits,
  ): Promise<BoundRegion> {
    const { target } = this.layout.regions[binding.index] as Layout["regions"][number];
    const known = this.#endpointOf(target);
    const { origin } = this.#context;
    const deadlineMs = origin.nowMs() + limits.timeoutMs;
    try {
      return await this.#bindAt(known, target, binding, rights, sharing, limits);
    } catch (error) {
      const isOutdated = isDidafsError(error, "ERR_EXPIRED", "ERR_CAPABILITY");
      // ERR_AUTH: somebody else got its port.
      if (!isOutdated && !isDidafsError(error, "ERR_UNREACHABLE", "ERR_NOT_DIRECT", "ERR_AUTH")) throw error;
      const left = { ...limits, timeoutMs: Math.max(deadlineMs - origin.nowMs(), 1) };
      try {
        await this.#grantAgain(left);
      } catch (refusal) {
        throw isDidafsError(refusal, "ERR_REVOKED") ? refusal : error;
      }
      const now = this.#endpointOf(target);
      if (!isOutdated && JSON.stringify(now) === JSON.stringify(known)) throw error;
      return this.#bindAt(now, target, binding, rights, sharing, {
        ...left,
        timeoutMs: Math.max(deadlineMs - origin.nowMs(), 1),
      });
    }
  }

  /** All regions of a window ask together. */
  #grantAgain(limits: CallLimits): Promise<void> {
    this.#granting ??= this.#grant(limits).finally(() => {
      this.#granting = undefined;
    });
    return this.#granting;
  }

  async #grant(limits: CallLimits): Promise<void> {
    const granted = await this.#context.grant({ inode: this.#inode, rights: this.#rights }, limits);
    this.#access = granted;
    this.#size = granted.stat.size;
  }

  #endpointOf(target: string): Endpoint | undefined {
    return this.#access.endpoints.find((known) => known.target === target);
  }

  async #bindAt(
    endpoint: Endpoint | undefined,
    target: string,
    { index, at, byteLength }: Binding,
    rights: "r" | "rw",
    sharing: "managed" | "raw",
    limits: CallLimits,
  ): Promise<BoundRegion> {
    if (endpoint === undefined) {
      throw new DidafsError(
        "ERR_UNREACHABLE",
        `target ${target}, which holds a part of ${this.path}, is down`,
        {
          path: this.path,
          target,
        },
      );
    }
    const { origin, transport } = this.#context;
    const capability = this.#access.capabilities[index] as string;
    const window = { capability, at, byteLength, rights, sharing };
    const reply = await origin.link.call("bind", { endpoint, transport, window }, limits);
    return origin.adopt(reply, sharing === "raw" && rights === "rw", limits.timeoutMs);
  }

  /** Best effort: a session that has ended holds nothing any more. */
  async #release(regions: BoundRegion[], limits: CallLimits): Promise<void> {
    await Promise.allSettled(regions.map((region) => this.#context.origin.release(region, limits)));
  }
}

function localityOf(bound: readonly BoundRegion[]): Locality {
  const paths = new Set(bound.map(({ access }) => access.path));
  const [path = "direct"] = paths;
  return paths.size > 1 ? "mixed" : path;
}

/** The weakest protection among the regions stands for the window. */
function weakest(bound: readonly BoundRegion[]): BoundRegion["protection"] {
  const found = new Set(bound.map(({ protection }) => protection));
  if (found.has("advisory")) return "advisory";
  return found.has("mmu") ? "mmu" : "checked";
}

/** The same error, naming the file: a target knows regions only. */
function aboutPath(error: unknown, path: string): unknown {
  if (!isDidafsError(error) || error.path !== undefined) return error;
  const { code, message, target, applied } = error;
  return new DidafsError(code, `${path}: ${message}`, { path, target, applied, cause: error });
}
