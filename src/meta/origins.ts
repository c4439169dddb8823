import type { Channel } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";
import { LEASE_GRACE } from "../wire/leases.ts";

/** Of a channel to an origin; the origin renews it at a third of that. */
export const CHANNEL_LEASE_MS = 10_000;

interface Origin {
  /** Undefined until it has attached. */
  originKey: string | undefined;
  leaseEndMs: number;
  /** The generation under which each file was opened last. */
  readonly gens: Map<number, number>;
}

/** The origins that are connected: their keys, and the leases of their channels. */
export class Origins {
  readonly #byChannel = new Map<Channel, Origin>();

  opened(channel: Channel, nowMs: number): void {
    this.#byChannel.set(channel, {
      originKey: undefined,
      leaseEndMs: nowMs + CHANNEL_LEASE_MS * LEASE_GRACE,
      gens: new Map(),
    });
  }

  closed(channel: Channel): void {
    this.#byChannel.delete(channel);
  }

  /** Something came from that origin. */
  heard(channel: Channel, nowMs: number): void {
    const origin = this.#byChannel.get(channel);
    if (origin !== undefined) origin.leaseEndMs = nowMs + CHANNEL_LEASE_MS * LEASE_GRACE;
  }

  /** @throws ERR_INVALID_ARGUMENT when the channel has attached with another key */
  attach(channel: Channel, originKey: string): void {
    const origin = this.#byChannel.get(channel);
    if (origin === undefined) return;
    if (origin.originKey !== undefined && origin.originKey !== originKey) {
      throw new DidafsError("ERR_INVALID_ARGUMENT", "this channel has another origin's key already");
    }
    origin.originKey = originKey;
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

  /** @throws ERR_REVOKED unless the channel opened the file, or claims to have opened it, under just that generation */
  checkGen(channel: Channel, inode: number, gen: number): void {
    if (this.#byChannel.get(channel)?.gens.get(inode) !== gen) {
      throw new DidafsError("ERR_REVOKED", "access to the file was taken back; open it again");
    }
  }

  /** Ends the channels whose lease has run out. @returns channels ended */
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
