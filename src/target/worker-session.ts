import { Domain } from "../iommu/domain.ts";
import { isSameToken } from "./same-token.ts";
import { REVOKED, refusalStatus, UNBOUND } from "./statuses.ts";
import type { WorkerRegion } from "./worker-region.ts";

const REVOKED_MAX = 4096;

/** One session as one worker sees it. */
export class WorkerSession {
  readonly number: number;
  /** The origin's public key: whom its locks belong to. */
  readonly owner: string;
  readonly #token: Uint8Array;
  readonly domain: Domain<WorkerRegion> = new Domain<WorkerRegion>();
  /** Handles of what was revoked, oldest first. */
  readonly #revoked = new Set<number>();
  /** The slots of its connections. */
  readonly slots: Set<number> = new Set<number>();

  constructor(number: number, owner: string, token: Uint8Array) {
    this.number = number;
    this.owner = owner;
    this.#token = token;
  }

  /** From now on commands to `handle` are told why it is gone; of the oldest they are told only that. */
  revoke(handle: number): void {
    this.#revoked.add(handle);
    for (const oldest of this.#revoked) {
      if (this.#revoked.size <= REVOKED_MAX) break;
      this.#revoked.delete(oldest);
    }
  }

  isRevoked(handle: number): boolean {
    return this.#revoked.has(handle);
  }

  /** The status that says why an access through that handle is refused. @param refusal what Domain.translate said */
  refusalStatus(handle: number, refusal: number): number {
    const status = refusalStatus(refusal);
    return status === UNBOUND && this.isRevoked(handle) ? REVOKED : status;
  }

  admits(token: Uint8Array): boolean {
    return isSameToken(token, this.#token);
  }
}
