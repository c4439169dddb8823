import type { Borrowed } from "./memory.ts";

/** Where a service listens. `unix` names live in the abstract namespace: no path to clean up, one machine only. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly name: string };

/** Who stands at the other end of a unix stream, as the kernel says (SO_PEERCRED). */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
}

/** Nothing to take or no room at this moment; try again after a wait. */
export const WOULD_BLOCK = -1;
/** The stream has ended: closed by the peer, reset, or closed here. */
export const ENDED = -2;

/** Stands for a descriptor that the peer passed and this process had no room for (its limit, `ulimit -n`). */
export const DESCRIPTOR_LOST = -1;

/** An ordered stream of bytes that never blocks. One owner; usable from the thread that owns it. */
export interface Stream {
  /** The kernel's number for this stream; lets another thread of this process adopt it or wait for it. */
  readonly descriptor: number;
  readonly credentials: Credentials | undefined;
  /** @returns bytes received into `memory` from `at` (at least 1), WOULD_BLOCK or ENDED. `length` is at least 1. */
  recv(memory: Borrowed, at: number, length: number): number;
  /** @returns bytes taken from `memory` (at least 1), WOULD_BLOCK or ENDED. */
  send(memory: Borrowed, at: number, length: number): number;
  /** Sends at most `byteMax` bytes from the front of `segments` in one call. @returns bytes taken, WOULD_BLOCK or ENDED. */
  sendSegments(segments: Segments, byteMax: number): number;
  /** Like `send`, and passes a descriptor with the first byte. Unix streams only. */
  sendDescriptor(memory: Borrowed, at: number, length: number, descriptor: number): number;
  /**
   * The oldest descriptor that came with received bytes; only on streams opened with `acceptDescriptors`. One that was
   * lost keeps its place, as DESCRIPTOR_LOST: nobody gets another's.
   */
  takeDescriptor(): number | undefined;
  /**
   * Sends nothing more: the peer finds ENDED behind what was sent, and until then its own bytes are taken. Unlike `close`,
   * which takes from the peer what it has not received yet where bytes of its own lie here unread.
   */
  endSending(): void;
  close(): void;
}

/** A queue of byte runs to be sent, as parallel arrays used as a ring: entry i lies at (first + i) % capacity. */
export interface Segments {
  readonly capacity: number;
  readonly memories: (Borrowed | undefined)[];
  readonly starts: Float64Array;
  readonly lengths: Float64Array;
  first: number;
  count: number;
}

export interface Listener {
  /** The address to connect to, with the port that was chosen when 0 was asked for. */
  readonly address: Address;
  readonly descriptor: number;
  /** The next connection, if one waits. */
  accept(): Stream | undefined;
  /** True when the last `accept` found one that the process has no descriptor for: asking again at once is of no use. */
  readonly starved: boolean;
  close(): void;
}

export interface Network {
  /** @throws ERR_PORT_IN_USE, ERR_INVALID_ARGUMENT (an address that is not of this machine) */
  listen(address: Address): Listener;
  /**
   * Starts a connection. Failure shows as ENDED on first use.
   * @param options.acceptDescriptors keep descriptors that the peer passes (see takeDescriptor); otherwise they are refused
   * @throws ERR_UNREACHABLE when the machine refuses at once.
   */
  connect(address: Address, options?: { acceptDescriptors?: boolean }): Stream;
  /** A stream over a descriptor that another thread of this process opened; this owner closes it. */
  adopt(descriptor: number): Stream;
}
