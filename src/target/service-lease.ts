import type { KeyObject } from "node:crypto";
import type { Random } from "../ports/random.ts";
import { capabilitySecret } from "../wire/capability.ts";

const INCARNATION_BYTES = 16;

/** The end of a lease, in memory that a target's threads share; 0: there is none. */
export function createLeaseEnd(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
}

/**
 * The target's right to serve, which the metadata service grants, and the life that it belongs to. Once it has run out
 * that life is over: what was granted to it is worthless, and the next one has another secret.
 */
export class ServiceLease {
  readonly #random: Random;
  readonly #serviceKey: Uint8Array;
  readonly #target: string;
  /** What the workers compare with the clock before each step. */
  readonly #end: Float64Array;
  #incarnation!: string;
  #secret!: KeyObject;
  #held = false;

  constructor(parts: { random: Random; serviceKey: Uint8Array; target: string; leaseEnd: Float64Array }) {
    this.#random = parts.random;
    this.#serviceKey = parts.serviceKey;
    this.#target = parts.target;
    this.#end = parts.leaseEnd;
    this.#begin();
  }

  get incarnation(): string {
    return this.#incarnation;
  }

  /** Under which this life's capabilities are signed. */
  get secret(): KeyObject {
    return this.#secret;
  }

  holds(nowMs: number): boolean {
    return this.#held && nowMs < (this.#end[0] as number);
  }

  /** When it runs out, unless it is extended. */
  dueMs(): number {
    return this.#held ? (this.#end[0] as number) : Number.POSITIVE_INFINITY;
  }

  /** What was granted to an earlier life is not given to this one. */
  extend(incarnation: string, untilMs: number): void {
    if (incarnation !== this.#incarnation) return;
    this.#held = true;
    this.#end[0] = Math.max(untilMs, this.#end[0] as number);
  }

  /** @returns true when the lease has run out since it was asked last; another life has begun then */
  ranOut(nowMs: number): boolean {
    if (!this.#held || this.holds(nowMs)) return false;
    this.#begin();
    return true;
  }

  #begin(): void {
    this.#held = false;
    this.#end[0] = 0;
    this.#incarnation = Buffer.from(this.#random.bytes(INCARNATION_BYTES)).toString("hex");
    this.#secret = capabilitySecret(this.#serviceKey, this.#target, this.#incarnation);
  }
}
