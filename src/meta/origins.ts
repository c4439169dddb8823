import type { Channel } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";
import { LEASE_GRACE } from "../wire/leases.ts";
import type { Opener } from "./open-files.ts";

/** Of an origin; it renews it at a third of that. */
export const CHANNEL_LEASE_MS = 10_000;

interface Origin extends Opener {
  /** Undefined until it has attached. */
  originKey: string | undefined;
  leaseEndMs: number;
  readonly channels: Set<Channel>;
  /** The generation under which each file was opened last. */
  readonly gens: Map<number, number>;
}

/** The origins that are connected: their keys, their channels, of which one may have several, and their leases. */
export class Origins {
  readonly #byChannel = new Map<Channel, Origin>();
  readonly #byKey = new Map<string, Origin>();

  opened(channel: Channel, nowMs: number): void {
    const leaseEndMs = nowMs + CHANNEL_LEASE_MS * LEASE_GRACE;
    const channels = new Set([channel]);
    this.#byChannel.set(channel, {
      originKey: undefined,
      leaseEndMs,
      channels,
      gens: new Map(),
      get ended(): boolean {
        return channels.size === 0;
      },
    });
  }

  /** @returns the origin, where that was its last channel */
  closed(channel: Channel): Opener | undefined {
    const origin = this.#byChannel.get(channel);
    this.#byChannel.delete(channel);
    origin?.channels.delete(channel);
    if (origin === undefined || origin.channels.size > 0) return undefined;
    if (origin.originKey !== undefined) this.#byKey.delete(origin.originKey);
    return origin;
  }

  /** Who opens files on that channel. */
  openerOf(channel: Channel): Opener {
    return this.#byChannel.get(channel) ?? channel;
  }

  /** Something came from that origin: all its channels live on. */
  heard(channel: Channel, nowMs: number): void {
    const origin = this.#byChannel.get(channel);
    if (origin !== undefined) origin.leaseEndMs = nowMs + CHANNEL_LEASE_MS * LEASE_GRACE;
  }

  /**
   * Channels that attach with one key belong to one origin.
   * @throws ERR_INVALID_ARGUMENT when the channel has attached with another key
   */
  attach(channel: Channel, originKey: string): void {
    const origin = this.#byChannel.get(channel);
    if (origin === undefined || origin.originKey === originKey) return;
    if (origin.originKey !== undefined) {
      throw new DidafsError("ERR_INVALID_ARGUMENT", "this channel has another origin's key already");
    }
    const known = this.#byKey.get(originKey);
    if (known === undefined) {
      origin.originKey = originKey;
      this.#byKey.set(originKey, origin);
      return;
    }
    known.leaseEndMs = Math.max(known.leaseEndMs, origin.leaseEndMs);
    known.channels.add(channel);
    this.#byChannel.set(channel, known);
  }

  /** @throws ERR_INVALID_ARGUMENT before the channel has attached */
  keyOf(channel: Channel): string {
    const originKey = this.#byChannel.get(channel)?.originKey;
    if (originKey === undefined) throw new DidafsError("ERR_INVALID_ARGUMENT", "meta.attach comes first");
    return originKey;
  }

  openedFile(channel: Channel, inode: number, gen: number): void {
    this.#byChannel.get(channel)?.gens.set(inode, gen);
  }

  closedFile(channel: Channel, inode: number): void {
    this.#byChannel.get(channel)?.gens.delete(inode);
  }

  /** @throws ERR_REVOKED unless the origin opened the file, or claims to have opened it, under just that generation */
  checkGen(channel: Channel, inode: number, gen: number): void {
    if (this.#byChannel.get(channel)?.gens.get(inode) !== gen) {
      throw new DidafsError("ERR_REVOKED", "access to the file was taken back; open it again");
    }
  }

  /** When the next lease runs out. */
  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const { leaseEndMs } of this.#byChannel.values()) dueMs = Math.min(dueMs, leaseEndMs);
    return dueMs;
  }

  /** Ends the channels of origins whose lease has run out. @returns channels ended */
  doWork(nowMs: number): number {
    let ended = 0;
    for (const [channel, { leaseEndMs }] of this.#byChannel) {
      if (nowMs < leaseEndMs) continue;
      channel.close(new DidafsError("ERR_SESSION_LOST", `nothing came for ${CHANNEL_LEASE_MS} ms`));
      ended += 1;
    }
    return ended;
  }
}
