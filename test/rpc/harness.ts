import type { Stream } from "../../src/ports/network.ts";
import { type ChannelOptions, RpcChannel } from "../../src/rpc/channel.ts";
import type { Handlers } from "../../src/rpc/handlers.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork, type SimNetworkOptions } from "../../src/sim/network.ts";
import type { Params } from "../../src/wire/control.ts";

/** An answer of meta.stat, whatever it is about. */
export const STAT = {
  inode: 1,
  type: "file",
  size: 2,
  mode: 0o644,
  uid: 0,
  gid: 0,
  nlink: 1,
  atimeMs: 3,
  mtimeMs: 3,
  ctimeMs: 3,
  birthtimeMs: 3,
} as const;

export interface Stepped {
  doWork(nowMs: number): number;
}

/** Two channels, joined, both admitted, and the time they live in. */
export class Pair {
  readonly clock = new SimClock();
  readonly memory = new SimMemory();
  readonly network: SimNetwork;
  readonly near: RpcChannel;
  readonly far: RpcChannel;
  readonly nearStream: Stream;
  readonly farStream: Stream;

  constructor(
    farHandlers: Handlers,
    options: {
      near?: Partial<ChannelOptions>;
      far?: Partial<ChannelOptions>;
      nearHandlers?: Handlers;
      network?: SimNetworkOptions;
      kind?: "tcp" | "unix";
    } = {},
  ) {
    this.network = new SimNetwork(options.network);
    [this.nearStream, this.farStream] = this.network.pair(options.kind ?? "tcp", true);
    const { clock, memory } = this;
    this.near = new RpcChannel({ stream: this.nearStream, memory, clock, peer: "far", ...options.near });
    this.far = new RpcChannel({ stream: this.farStream, memory, clock, peer: "near", ...options.far });
    this.near.admit(options.nearHandlers ?? {});
    this.far.admit(farHandlers);
  }

  settle(byMs = 0): Promise<void> {
    return settle(this.clock, [this.near, this.far], byMs);
  }
}

/** A seeded stream finds nothing one time in eight; so many steps without work in a row are rest, not chance. */
const IDLE_STEPS = 12;

/** Steps the parties until none of them, nor a promise between them, has anything left to do. */
export async function settle(clock: SimClock, parties: readonly Stepped[], byMs = 0): Promise<void> {
  clock.advance(byMs);
  for (let idle = 0, steps = 0; idle < IDLE_STEPS; steps++) {
    if (steps > 1_000_000) throw new Error("the parties never come to rest");
    let work = 0;
    for (const party of parties) work += party.doWork(clock.nowMs());
    idle = work === 0 ? idle + 1 : 0;
    // A turn of the event loop lets every promise that can settle do so.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What a promise came to, for promises that are expected to fail. */
export async function failureOf(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    return { resolved: await promise };
  } catch (error) {
    return error as Record<string, unknown>;
  }
}

/** What a stat is about, where it is about a path. */
export function pathOf(params: Params<"meta.stat">): string {
  return "path" in params ? params.path : "";
}
