import type { CallContext, Handlers } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";
import type { Params, Result } from "../wire/control.ts";
import { isStranger } from "./cluster-targets.ts";
import type { TargetRegistry } from "./registry.ts";
import type { MetaStore } from "./store.ts";

/** How long a target may take to answer; more than it gives its worker. */
const CALL_MS = 3000;
/** Such calls to one target at a time: its channel takes 64 of all kinds, and regions must not wait behind these. */
const FORWARDED_MAX = 32;

type ForTarget = "epoch.outcome" | "epoch.finish";

/** What a target would say that never served: origins choose who decides and who takes part. Nothing was done there, or ever will be. */
const OF_STRANGERS = {
  "epoch.outcome": { outcome: "aborted" },
  "epoch.finish": { outcome: "committed" },
} as const satisfies { readonly [M in ForTarget]: Result<M> };

/**
 * What targets ask each other about epochs whose origin has gone. They know neither each other's addresses nor keys: the question
 * goes on to the target that it is for, on the channel that this one has opened. Nothing is kept.
 */
export class EpochCalls {
  readonly #registry: TargetRegistry;
  readonly #store: MetaStore;
  /** Calls under way, by target. */
  readonly #forwarded = new Map<string, number>();

  constructor(registry: TargetRegistry, store: MetaStore) {
    this.#registry = registry;
    this.#store = store;
  }

  readonly handlers: Handlers = {
    "meta.epochOutcome": ({ decider: { target, worker }, name }, context) =>
      this.#forward("meta.epochOutcome", context, target, "epoch.outcome", { worker, name }),
    "meta.epochFinish": ({ participant: { target, worker }, name }, context) =>
      this.#forward("meta.epochFinish", context, target, "epoch.finish", { worker, name }),
  };

  async #forward(
    asked: string,
    { channel: asker }: CallContext,
    target: string,
    method: ForTarget,
    params: Params<ForTarget>,
  ): Promise<Result<ForTarget>> {
    if (!this.#registry.has(asker)) {
      throw new DidafsError("ERR_INVALID_ARGUMENT", `${asked}: register first`);
    }
    const channel = this.#registry.channelOf(target);
    if (channel === undefined) {
      if (this.#store.read((reader) => isStranger(reader, target))) return OF_STRANGERS[method];
      throw new DidafsError("ERR_UNREACHABLE", `target ${target} is down`, {
        target,
      });
    }
    const underWay = this.#forwarded.get(target) ?? 0;
    if (underWay >= FORWARDED_MAX) {
      throw new DidafsError("ERR_TOO_MANY", `target ${target} is asked about ${underWay} epochs already`, {
        target,
      });
    }
    this.#forwarded.set(target, underWay + 1);
    try {
      return await channel.call(method, params, { timeoutMs: CALL_MS });
    } finally {
      const left = (this.#forwarded.get(target) ?? 1) - 1;
      if (left > 0) this.#forwarded.set(target, left);
      else this.#forwarded.delete(target);
    }
  }
}
