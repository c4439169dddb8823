import type { KeyObject } from "node:crypto";
import type { Clock } from "../ports/clock.ts";
import { CAPABILITY_MS, capabilitySecret, signCapability } from "../wire/capability.ts";
import type { Layout, Params } from "../wire/control.ts";
import type { TargetRegistry } from "./registry.ts";

/** Signs capabilities, for the lives that the targets have at this moment. */
export class Grants {
  readonly #serviceKey: Uint8Array;
  readonly #registry: TargetRegistry;
  readonly #clock: Clock;
  /** By target, with the life that it is for: to derive one takes ten times as long as to sign with it. */
  readonly #secrets = new Map<string, { readonly incarnation: string; readonly secret: KeyObject }>();

  constructor(serviceKey: Uint8Array, registry: TargetRegistry, clock: Clock) {
    this.#serviceKey = serviceKey;
    this.#registry = registry;
    this.#clock = clock;
  }

  /**
   * One for each region, in the layout's order. That for a target which has not registered with this service is good
   * for nothing, and is replaced by a later grant, as one for an earlier life is.
   */
  capabilities(
    file: { readonly inode: number; readonly gen: number; readonly layout: Layout | undefined },
    rights: Params<"meta.grant">["rights"],
    originKey: string,
  ): string[] {
    const { inode, gen, layout } = file;
    const expiresMs = this.#clock.wallMs() + CAPABILITY_MS;
    return (layout?.regions ?? []).map(({ target }, index) => {
      return signCapability(this.#secretOf(target), {
        inode,
        index,
        rights,
        at: 0,
        byteLength: Number.POSITIVE_INFINITY,
        expiresMs,
        gen,
        originKey,
        target,
      });
    });
  }

  #secretOf(target: string): KeyObject {
    const incarnation = this.#registry.incarnationOf(target) ?? "";
    const known = this.#secrets.get(target);
    if (known?.incarnation === incarnation) return known.secret;
    const secret = capabilitySecret(this.#serviceKey, target, incarnation);
    this.#secrets.set(target, { incarnation, secret });
    return secret;
  }
}
