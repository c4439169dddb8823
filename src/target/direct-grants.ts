import type { CallContext } from "../rpc/handlers.ts";
import type { Params, Result } from "../wire/control.ts";
import type { OpenRegion, OpenRegions } from "./open-regions.ts";

type Grant = Pick<Result<"window.bind">, "direct" | "protection">;

/**
 * Decides who may map a region, and passes the descriptor. What a descriptor allows is enforced by the MMU, for as
 * long as it is mapped: so it is read-only wherever writes must go through the region's home worker.
 */
export class DirectGrants {
  readonly #regions: OpenRegions;
  readonly #ownUid: number;
  readonly #closeDescriptor: (descriptor: number) => void;
  /** Mappings granted, and their bytes, since the target started. */
  mappings = 0;
  mappedBytes = 0;

  /** @param ownUid the target's own user */
  constructor(regions: OpenRegions, ownUid: number, closeDescriptor: (descriptor: number) => void) {
    this.#regions = regions;
    this.#ownUid = ownUid;
    this.#closeDescriptor = closeDescriptor;
  }

  /** @throws ERR_TOO_MANY when there is no descriptor left to pass */
  grant(params: Params<"window.bind">, region: OpenRegion, context: CallContext): Grant {
    const { direct, at, byteLength, rights, sharing } = params;
    const { credentials } = context.channel;
    const whole = at === 0 && byteLength === region.byteLength;
    if (!direct || credentials === undefined || !whole) return { direct: false, protection: "checked" };
    if (sharing === "managed" || rights === "r") {
      const descriptor = region.object.readOnlyDescriptor();
      context.passDescriptor(descriptor, () => this.#closeDescriptor(descriptor));
    } else if (region.object.sealed || credentials.uid === this.#ownUid) {
      this.#regions.pin(region);
      context.passDescriptor(region.object.descriptor, () => this.#regions.unpin(region));
    } else {
      // Whoever holds a writable descriptor of a file that is not sealed could cut it short under others' mappings.
      return { direct: false, protection: "checked" };
    }
    this.mappings += 1;
    this.mappedBytes += region.byteLength;
    const { uid } = credentials;
    // The same user, and root, could open the object by other ways.
    return { direct: true, protection: uid === this.#ownUid || uid === 0 ? "advisory" : "mmu" };
  }
}
