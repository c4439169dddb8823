import type { Clock } from "../ports/clock.ts";
import type { Channel } from "../rpc/handlers.ts";
import type { Deadlines } from "../std/deadlines.ts";
import { DidafsError } from "../std/errors.ts";
import type { Params } from "../wire/control.ts";
import { LEASE_GRACE, LEASE_MS_MAX, TARGET_LEASE_MS } from "../wire/leases.ts";
import { parsePath } from "./path.ts";
import type { TargetRegistry } from "./registry.ts";
import type { MetaStore } from "./store.ts";
import { changeInode, getInode } from "./tables.ts";
import { locateEntry } from "./walk.ts";

/** Longer than any lease: a target waits for its holders', and where it is out of reach both its own and theirs have to end. */
const REVOKE_MS = (TARGET_LEASE_MS + LEASE_MS_MAX) * LEASE_GRACE + 5000;
const AGAIN_MS = 100;

interface Parts {
  readonly store: MetaStore;
  readonly registry: TargetRegistry;
  readonly deadlines: Deadlines;
  readonly clock: Clock;
}

/** Takes access to files back. */
export class Revocation {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Raises the file's generation, durably, and has every target of it end what older capabilities bound.
   * @throws ENOENT and the like; EISDIR; ERR_TIMEOUT, `applied` "unknown": no new window, but old ones may still serve
   */
  async revoke(path: string): Promise<void> {
    const { store, clock } = this.#parts;
    const wallMs = clock.wallMs();
    const { inode, gen, targets } = await store.transact((transaction) => {
      const entry = locateEntry(transaction, parsePath(path), true);
      const record = getInode(transaction, entry.inode);
      if (record.layout === undefined) throw new DidafsError("EISDIR", `${path} is no file`, { path });
      const gen = record.gen + 1;
      changeInode(transaction, entry.inode, { gen }, wallMs);
      return { inode: entry.inode, gen, targets: record.layout.regions.map(({ target }) => target) };
    });
    const untilMs = clock.nowMs() + REVOKE_MS;
    await Promise.all(
      targets.map((target, index) => this.#revokeRegion(target, { inode, index, gen }, untilMs)),
    );
  }

  async #revokeRegion(target: string, region: Params<"region.revoke">, untilMs: number): Promise<void> {
    const { registry, deadlines, clock } = this.#parts;
    let life = registry.incarnationOf(target);
    for (;;) {
      if (await told(registry.channelOf(target), region, untilMs - clock.nowMs())) return;
      const now = registry.incarnationOf(target);
      life ??= now;
      // Its next life takes no capability of the one before.
      if (life !== now || registry.accessHasEnded(target, clock.nowMs())) return;
      if (clock.nowMs() >= untilMs) {
        throw new DidafsError("ERR_TIMEOUT", `target ${target} does not confirm that access was taken back`, {
          target,
          applied: "unknown",
        });
      }
      await deadlines.sleep(clock.nowMs() + AGAIN_MS);
    }
  }
}

async function told(
  channel: Channel | undefined,
  region: Params<"region.revoke">,
  timeoutMs: number,
): Promise<boolean> {
  try {
    await channel?.call("region.revoke", region, { timeoutMs });
    return channel !== undefined;
  } catch {
    return false;
  }
}
