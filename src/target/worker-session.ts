import { timingSafeEqual } from "node:crypto";
import { Domain } from "../iommu/domain.ts";
import type { WorkerRegion } from "./worker-region.ts";

/** One session as one worker sees it. */
export class WorkerSession {
  readonly number: number;
  readonly #token: Uint8Array;
  readonly domain: Domain<WorkerRegion> = new Domain<WorkerRegion>();
  /** The slots of its connections. */
  readonly slots: Set<number> = new Set<number>();

  constructor(number: number, token: Uint8Array) {
    this.number = number;
    this.#token = token;
  }

  /** Compares without telling by its duration how much of the token was right. */
  admits(token: Uint8Array): boolean {
    return token.byteLength === this.#token.byteLength && timingSafeEqual(token, this.#token);
  }
}
