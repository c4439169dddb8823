import { DidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/access.ts";
import type { Endpoint } from "../wire/control.ts";
import type {
  CallOptions,
  Cluster,
  ClusterStatus,
  DidafsFile,
  Dirent,
  OpenOptions,
  Stat,
  Transport,
} from "./api.ts";
import { callLimits } from "./call-limits.ts";
import { File } from "./file.ts";
import type { Origin } from "./origin.ts";

export interface ClusterParts {
  readonly id: string;
  readonly url: string;
  readonly origin: Origin;
  readonly transport: Transport;
  readonly timeoutMs: number;
  /** Stops the agent, and for an embedded cluster its services; called once. */
  readonly stop: () => Promise<void>;
}

/** See Cluster in api.ts. */
export class ClusterClient implements Cluster {
  readonly id: string;
  readonly url: string;
  readonly #parts: ClusterParts;
  readonly #files = new Set<File>();
  #closing: Promise<void> | undefined;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.url = parts.url;
  }

  async open(path: string, options: OpenOptions = {}): Promise<DidafsFile> {
    const { create = false, size, stripeUnit, targets, drive, mode } = options;
    const opened = await this.#parts.origin.link.meta(
      "meta.open",
      {
        path,
        create: create === "exclusive" ? "exclusive" : create ? "yes" : "no",
        size,
        stripeUnit,
        targets,
        drive,
        mode,
      },
      this.#limits(options),
    );
    const file = new File(
      {
        origin: this.#parts.origin,
        transport: this.#parts.transport,
        timeoutMs: this.#parts.timeoutMs,
        stat: (...args) => this.stat(...args),
        locate: (...args) => this.#locate(...args),
      },
      path,
      opened.stat,
      opened.endpoints,
      (closed) => this.#files.delete(closed),
    );
    this.#files.add(file);
    return file;
  }

  async stat(path: string, options?: CallOptions): Promise<Stat> {
    const { inode: _, ...stat } = await this.#parts.origin.link.meta(
      "meta.stat",
      { path },
      this.#limits(options),
    );
    return stat;
  }

  async *readdir(path: string, options?: CallOptions): AsyncGenerator<Dirent, void, undefined> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#parts.origin.link.meta("meta.readdir", { path, after }, this.#limits(options));
      yield* page.entries;
      if (!page.more) return;
      after = page.entries.at(-1)?.name;
    }
  }

  async mkdir(path: string, options: CallOptions & { recursive?: boolean | undefined } = {}): Promise<void> {
    const { recursive = false } = options;
    await this.#parts.origin.link.meta("meta.mkdir", { path, recursive }, this.#limits(options));
  }

  async rename(from: string, to: string, options?: CallOptions): Promise<void> {
    await this.#parts.origin.link.meta("meta.rename", { from, to }, this.#limits(options));
  }

  async remove(path: string, options: CallOptions & { recursive?: boolean | undefined } = {}): Promise<void> {
    const { recursive = false } = options;
    await this.#parts.origin.link.meta("meta.remove", { path, recursive }, this.#limits(options));
  }

  status(options?: CallOptions): Promise<ClusterStatus> {
    return this.#parts.origin.link.meta("meta.status", {}, this.#limits(options));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#files].map((file) => file.close()));
    this.#parts.origin.close();
    await this.#parts.stop();
    this.#parts.origin.link.fail(new DidafsError("ERR_CLOSED", "the cluster is closed"));
  }

  async #locate(path: string, limits: CallLimits): Promise<{ inode: number; endpoints: Endpoint[] }> {
    const params = { path, create: "no" } as const;
    const { stat, endpoints } = await this.#parts.origin.link.meta("meta.open", params, limits);
    return { inode: stat.inode, endpoints };
  }

  #limits(options: CallOptions | undefined): CallLimits {
    return callLimits(options, this.#parts.timeoutMs);
  }
}
