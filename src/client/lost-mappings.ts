import type { Address } from "../ports/network.ts";
import { isDidafsError } from "../std/errors.ts";
import type { ControlChannels } from "./control-channels.ts";

/** A session that is lost, in which regions were mapped for storing. */
export interface LostMapping {
  /** The target's, and where its control server was. */
  readonly target: string;
  readonly address: Address;
  readonly session: number;
  readonly token: Uint8Array;
}

interface Notice extends LostMapping {
  readonly untilMs: number;
  pauseMs: number;
  /** When to try; infinite while that is under way. */
  dueMs: number;
}

const PATIENCE_MS = 10_000;
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 5000;
/** A target that is not there by then has lost its locks itself, or waits for the end of this process. */
const GIVE_UP_MS = 600_000;

/**
 * Tells targets that what this origin could store to behind their backs is unmapped, once it is, of sessions that are lost:
 * what it had locked there waits for that. Again and again until it is heard, since nobody else would say it.
 */
export class LostMappings {
  readonly #channels: ControlChannels;
  /** Not given back yet; by the agent's number of the session. */
  readonly #mapped = new Map<number, LostMapping>();
  readonly #notices = new Set<Notice>();

  constructor(channels: ControlChannels) {
    this.#channels = channels;
  }

  add(id: number, mapping: LostMapping): void {
    this.#mapped.set(id, mapping);
  }

  /** All that was mapped in that session is unmapped. */
  unmapped(id: number, nowMs: number): void {
    const mapping = this.#mapped.get(id);
    if (mapping === undefined) return;
    this.#mapped.delete(id);
    this.#notices.add({ ...mapping, untilMs: nowMs + GIVE_UP_MS, pauseMs: PAUSE_MS, dueMs: nowMs });
  }

  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const notice of this.#notices) dueMs = Math.min(dueMs, notice.dueMs);
    return dueMs;
  }

  /** @returns attempts begun */
  doWork(nowMs: number): number {
    let begun = 0;
    for (const notice of this.#notices) {
      if (nowMs < notice.dueMs) continue;
      notice.dueMs = Number.POSITIVE_INFINITY;
      void this.#tell(notice, nowMs);
      begun += 1;
    }
    return begun;
  }

  async #tell(notice: Notice, nowMs: number): Promise<void> {
    const { address, target, session, token } = notice;
    const limits = { timeoutMs: PATIENCE_MS, signal: new AbortController().signal };
    const expect = { service: "target" as const, id: target };
    try {
      const { channel } = await this.#channels.open(address, `target ${target}`, expect, limits, () => {});
      const proof = { session, token: Buffer.from(token).toString("hex") };
      await channel.call("session.detached", proof, limits).finally(() => channel.close());
      this.#notices.delete(notice);
    } catch (error) {
      if (!isDidafsError(error)) throw error;
      if (nowMs >= notice.untilMs) this.#notices.delete(notice);
      notice.dueMs = nowMs + notice.pauseMs;
      notice.pauseMs = Math.min(notice.pauseMs * 2, PAUSE_MS_MAX);
    }
  }
}
