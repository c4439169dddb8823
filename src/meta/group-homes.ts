import { createHash } from "node:crypto";
import type { Clock } from "../ports/clock.ts";
import type { Handlers } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";
import { targetIds } from "./cluster-targets.ts";
import type { TargetRegistry } from "./registry.ts";
import type { MetaStore } from "./store.ts";

/**
 * The target that decides for a group, by rendezvous hashing: each draws a number from the group's name, and the best draw wins.
 * One that comes or goes changes only the choices that it wins.
 */
export function groupHome(name: string, targets: readonly string[]): string | undefined {
  let best: { readonly id: string; readonly draw: string } | undefined;
  for (const id of targets) {
    const draw = createHash("sha256").update(`group ${name} ${id}`).digest("hex");
    if (best === undefined || draw > best.draw) best = { id, draw };
  }
  return best?.id;
}

/** Says where groups are at home. Nothing is kept: whoever asks for a name is told the same, as long as the targets are the same. */
export class GroupHomes {
  readonly #store: MetaStore;
  readonly #registry: TargetRegistry;
  readonly #clock: Clock;

  constructor(store: MetaStore, registry: TargetRegistry, clock: Clock) {
    this.#store = store;
    this.#registry = registry;
    this.#clock = clock;
  }

  readonly handlers: Handlers = {
    "meta.groupHome": ({ name }) => {
      const home = groupHome(name, this.#targets());
      if (home === undefined) throw new DidafsError("ERR_NO_TARGET", "no target has registered yet");
      const endpoint = this.#registry.endpointOf(home);
      if (endpoint === undefined) {
        throw new DidafsError("ERR_UNREACHABLE", `target ${home}, which the group is at home at, is down`, {
          target: home,
        });
      }
      return { endpoint };
    },
  };

  /**
   * Not only those that live: members that ask before and after one is started again must be told the same. One that is away for so
   * long that every lease has ended had no group that anybody still believes in, so others take its place until it comes back.
   */
  #targets(): string[] {
    const ids = this.#store.read(targetIds) ?? this.#registry.status().map(({ id }) => id);
    const nowMs = this.#clock.nowMs();
    return ids.filter(
      (id) => this.#registry.endpointOf(id) !== undefined || !this.#registry.accessHasEnded(id, nowMs),
    );
  }
}
