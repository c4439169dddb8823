import { assert } from "../std/assert.ts";

/** What an access does to the bytes, and what a binding allows. */
export const READ = 1;
export const WRITE = 2;

/** Why `translate` refused. */
export const BAD_HANDLE = -1;
export const NO_RIGHT = -2;
export const OUT_OF_RANGE = -3;

/** A range of one region that one session may access. */
export interface Binding<Region> {
  readonly handle: number;
  readonly region: Region;
  /** Where the range begins in the region, in bytes. */
  readonly base: number;
  /** Bytes of the range. The region may have fewer of them at times. */
  readonly byteLength: number;
  /** READ, WRITE or both. */
  readonly rights: number;
}

interface Bound<Region> extends Binding<Region> {
  /** Bytes of the range that the region has now. */
  reach: number;
}

/**
 * All bindings of one session: the unit of protection. Every access of the session is translated here, so a handle
 * reaches the bytes of its own binding and nothing else. Handles only grow, so a late access through one that is gone
 * never meets another binding.
 */
export class Domain<Region> {
  readonly #bindings = new Map<number, Bound<Region>>();
  #highestHandle = 0;
  #last: Bound<Region> | undefined = undefined;

  get size(): number {
    return this.#bindings.size;
  }

  /** @param regionBytes that the region has now; what of the range lies behind them is out of reach */
  bind({ handle, region, base, byteLength, rights }: Binding<Region>, regionBytes: number): void {
    assert(handle > this.#highestHandle, "a handle is never used twice in a session");
    this.#highestHandle = handle;
    const reach = reachOf(base, byteLength, regionBytes);
    this.#bindings.set(handle, { handle, region, base, byteLength, rights, reach });
  }

  /** The region has `regionBytes` from now on. */
  resize(region: Region, regionBytes: number): void {
    for (const binding of this.#bindings.values()) {
      if (binding.region !== region) continue;
      binding.reach = reachOf(binding.base, binding.byteLength, regionBytes);
    }
  }

  /** @returns the binding that is gone now, if there was one */
  unbind(handle: number): Binding<Region> | undefined {
    const binding = this.#bindings.get(handle);
    this.#bindings.delete(handle);
    if (this.#last === binding) this.#last = undefined;
    return binding;
  }

  /**
   * Checks an access. `offset` and `length` come from the wire: whole numbers from 0 to 2^64, not exact above 2^53.
   * @param access READ, WRITE or both
   * @returns the byte offset in the region of {@link region}, or BAD_HANDLE, NO_RIGHT, OUT_OF_RANGE
   */
  translate(handle: number, offset: number, length: number, access: number): number {
    let binding = this.#last;
    if (binding === undefined || binding.handle !== handle) {
      binding = this.#bindings.get(handle);
      if (binding === undefined) return BAD_HANDLE;
      this.#last = binding;
    }
    if ((binding.rights & access) !== access) return NO_RIGHT;
    // Nothing is added that could grow past what a number holds exactly.
    if (length > binding.reach || offset > binding.reach - length) return OUT_OF_RANGE;
    return binding.base + offset;
  }

  /** The region of the binding that `translate` found last; undefined after it found none or that one was unbound. */
  get region(): Region | undefined {
    return this.#last?.region;
  }
}

function reachOf(base: number, byteLength: number, regionBytes: number): number {
  return Math.min(byteLength, Math.max(0, regionBytes - base));
}
