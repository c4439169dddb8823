import type { Clock } from "../ports/clock.ts";
import type { Handlers } from "../rpc/handlers.ts";
import type { Deadlines } from "../std/deadlines.ts";
import type { Params, Result } from "../wire/control.ts";
import { link, readlink, symlink } from "./links.ts";
import { mkdir, mkdirAll, readdir, stat } from "./namespace.ts";
import type { OpenFiles } from "./open-files.ts";
import { parsePath } from "./path.ts";
import type { Reclaimer } from "./reclaimer.ts";
import { type Removed, remove, type Unlinking } from "./remove.ts";
import { rename } from "./rename.ts";
import type { MetaStore } from "./store.ts";
import type { OpenCheck } from "./subject.ts";
import { locateBeyond } from "./walk.ts";

/** A removal is answered when the space is free again, or after this: it is durable, and goes on by itself. */
const RECLAIM_WAIT_MS = 1000;

interface Parts {
  readonly store: MetaStore;
  readonly openFiles: OpenFiles;
  readonly reclaimer: Reclaimer;
  readonly deadlines: Deadlines;
  readonly clock: Clock;
  readonly checkOpen: OpenCheck;
}

/** The calls that look at names or change them; each is one read or one transaction. */
export class NamespaceCalls {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  readonly handlers: Handlers = {
    "meta.stat": (params, { channel }) => {
      this.#parts.checkOpen(params, channel);
      return this.#parts.store.read((reader) => stat(reader, params));
    },
    "meta.readdir": (params) => this.#parts.store.read((reader) => readdir(reader, params)),
    "meta.readlink": ({ path }) => ({ target: this.#parts.store.read((reader) => readlink(reader, path)) }),
    "meta.mkdir": (params) => this.#mkdir(params),
    "meta.symlink": async ({ target, path, owner }) => {
      const making = { owner, wallMs: this.#parts.clock.wallMs() };
      const inode = await this.#parts.store.newInode();
      await this.#parts.store.transact((kv) => symlink(kv, target, path, inode, making));
      return {};
    },
    "meta.link": async ({ existing, path }) => {
      const wallMs = this.#parts.clock.wallMs();
      await this.#parts.store.transact((transaction) => link(transaction, existing, path, wallMs));
      return {};
    },
    "meta.rename": async ({ from, to }) => {
      const unlinking = this.#unlinking();
      const targets = await this.#parts.store.transact((kv) => rename(kv, from, to, unlinking));
      await this.#reclaim({ targets, trashed: false });
      return {};
    },
    "meta.remove": async (params) => {
      const unlinking = this.#unlinking();
      await this.#reclaim(await this.#parts.store.transact((kv) => remove(kv, params, unlinking)));
      return {};
    },
  };

  #unlinking(): Unlinking {
    const { openFiles, clock } = this.#parts;
    return { wallMs: clock.wallMs(), mayBeOpen: (inode) => openFiles.mayBeOpen(inode) };
  }

  async #mkdir({ path, recursive, mode, owner }: Params<"meta.mkdir">): Promise<Result<"meta.mkdir">> {
    const { store, clock } = this.#parts;
    const making = { owner, wallMs: clock.wallMs() };
    if (recursive) {
      // Symbolic links can make the way longer than the path; directories can go away before the transaction.
      const parsed = parsePath(path);
      const { missing } = store.read((reader) => locateBeyond(reader, parsed, "follow"));
      const inodes = await store.newInodes(Math.max(missing + 1, parsed.components.length));
      await store.transact((transaction) => mkdirAll(transaction, path, mode, inodes, making));
    } else {
      const inode = await store.newInode();
      await store.transact((transaction) => mkdir(transaction, path, mode, inode, making));
    }
    return {};
  }

  async #reclaim({ targets, trashed }: Removed): Promise<void> {
    const { reclaimer, deadlines, clock } = this.#parts;
    const sweeps = [...new Set(targets)].map((target) => reclaimer.sweep(target));
    if (trashed) sweeps.push(reclaimer.empty());
    if (sweeps.length === 0) return;
    await deadlines.until(Promise.all(sweeps), clock.nowMs() + RECLAIM_WAIT_MS);
  }
}
