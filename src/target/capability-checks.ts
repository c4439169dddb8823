import { regionKey } from "../epoch/commit-records.ts";
import type { Clock } from "../ports/clock.ts";
import { DidafsError } from "../std/errors.ts";
import { type Capability, openCapability } from "../wire/capability.ts";
import type { Params } from "../wire/control.ts";
import type { ServiceLease } from "./service-lease.ts";

/**
 * Regions whose least generation is remembered. A forgotten one does no harm once the capabilities from before its
 * revoking have expired, which takes a minute.
 */
const REVOKED_MAX = 65_536;

/** Decides what a capability that an origin shows is good for. */
export class CapabilityChecks {
  readonly #lease: ServiceLease;
  readonly #clock: Clock;
  /** The least generation that is accepted, by region, in the order of revoking. */
  readonly #leastGen = new Map<string, number>();
  /** Capabilities refused, by why. */
  readonly counters = {
    capabilitiesRefused: 0,
    capabilitiesExpired: 0,
    capabilitiesRevoked: 0,
    capabilitiesExceeded: 0,
  };

  constructor(lease: ServiceLease, clock: Clock) {
    this.#lease = lease;
    this.#clock = clock;
  }

  /**
   * @param originKey of the session that the window is to belong to
   * @throws ERR_CAPABILITY, ERR_VERSION, ERR_EXPIRED, ERR_REVOKED, ERR_RIGHTS
   */
  check(params: Params<"window.bind">, originKey: string): Capability {
    const capability = this.#open(params.capability);
    if (capability.originKey !== originKey) {
      this.counters.capabilitiesRefused += 1;
      throw new DidafsError("ERR_CAPABILITY", "the capability is refused: it was given to another origin");
    }
    if (this.#clock.wallMs() >= capability.expiresMs) {
      this.counters.capabilitiesExpired += 1;
      throw new DidafsError("ERR_EXPIRED", "the capability has run out");
    }
    if (this.isRevoked(capability)) {
      this.counters.capabilitiesRevoked += 1;
      throw revoked();
    }
    const { at, byteLength, rights } = params;
    const start = at - capability.at;
    const isInside = start >= 0 && byteLength <= capability.byteLength - start;
    if (!isInside || (rights === "rw" && capability.rights !== "rw")) {
      this.counters.capabilitiesExceeded += 1;
      throw new DidafsError("ERR_RIGHTS", "the window asks for more than its capability allows");
    }
    return capability;
  }

  isRevoked({ inode, index, gen }: Pick<Capability, "inode" | "index" | "gen">): boolean {
    return gen < (this.#leastGen.get(regionKey(inode, index)) ?? 0);
  }

  /** From now on capabilities for the region below `gen` are refused. */
  revoke(inode: number, index: number, gen: number): void {
    const key = regionKey(inode, index);
    const least = Math.max(gen, this.#leastGen.get(key) ?? 0);
    this.#leastGen.delete(key);
    this.#leastGen.set(key, least);
    for (const oldest of this.#leastGen.keys()) {
      if (this.#leastGen.size <= REVOKED_MAX) break;
      this.#leastGen.delete(oldest);
    }
  }

  #open(hex: string): Capability {
    try {
      return openCapability(this.#lease.secret, hex);
    } catch (error) {
      this.counters.capabilitiesRefused += 1;
      throw error;
    }
  }
}

export function revoked(): DidafsError {
  return new DidafsError("ERR_REVOKED", "access to the file was taken back; open it again");
}
