import { LINE } from "../wire/epoch-payload.ts";

export const READ = 1;
export const WRITE = 2;

/**
 * A range of a region that a session has bound, as it is known here: by its handle and, where one connection alone
 * writes to it, byte for byte.
 */
export class Land {
  handle = 0;
  readonly inode: number;
  /** Where it begins in its region. */
  readonly at: number;
  readonly byteLength: number;
  readonly rights: number;
  /** Others change it, or its binding, meanwhile: what accesses may be answered with, beside success. */
  readonly troubles: number[];
  /** What it holds; undefined where others write to it too. */
  readonly bytes: Uint8Array | undefined;
  /** Set once its region has failed: what every access that is right is answered with. */
  refusal: number | undefined;
  /** 1 where a byte is not known: after the sum of a NaN, whose bits no standard settles. */
  readonly unsure: Uint8Array;
  unsureCount = 0;
  /** Changes with each write. */
  writes = 0;
  /** No byte of another land lies on one of its lines. */
  readonly hasLinesAlone: boolean;
  /** By line of the region: the version that was read last. */
  readonly #versions = new Map<number, number>();
  /** What may be written there until some time, by an epoch whose end nobody here has heard of. */
  #doubts: { readonly at: number; readonly byteLength: number; readonly untilMs: number }[] = [];

  constructor(
    inode: number,
    at: number,
    byteLength: number,
    rights: number,
    more: { troubles?: readonly number[]; known?: boolean; hasLinesAlone?: boolean } = {},
  ) {
    this.inode = inode;
    this.at = at;
    this.byteLength = byteLength;
    this.rights = rights;
    this.troubles = [...(more.troubles ?? [])];
    this.bytes = (more.known ?? true) ? new Uint8Array(byteLength) : undefined;
    this.unsure = new Uint8Array(byteLength);
    this.hasLinesAlone = more.hasLinesAlone ?? false;
  }

  /** Settles what it holds. */
  learn(bytes: Uint8Array): void {
    this.bytes?.set(bytes);
    this.unsure.fill(0);
    this.unsureCount = 0;
    this.#doubts = this.#doubts.filter(({ untilMs }) => untilMs > performance.now());
    for (const { at, byteLength } of this.#doubts) {
      this.write(at, bytes.subarray(at, at + byteLength), true);
    }
  }

  /** These bytes may change for so long, even when the session that wrote them has ended. */
  doubt(at: number, byteLength: number, ms: number): void {
    this.#doubts.push({ at, byteLength, untilMs: performance.now() + ms });
  }

  /** Takes note of versions that were read. */
  see(at: number, versions: readonly number[]): void {
    const first = Math.floor((this.at + at) / LINE);
    for (const [i, version] of versions.entries()) this.#versions.set(first + i, version);
  }

  /** The version that the line of that byte had when it was read last. */
  versionSeen(at: number): number | undefined {
    return this.#versions.get(Math.floor((this.at + at) / LINE));
  }

  /** @param isUnsure the bytes are not known after all */
  write(at: number, bytes: Uint8Array, isUnsure = false): void {
    this.writes += 1;
    this.bytes?.set(bytes, at);
    if (this.unsureCount === 0 && !isUnsure) return;
    for (let i = at; i < at + bytes.length; i += 1) {
      this.unsureCount += Number(isUnsure) - (this.unsure[i] as number);
      this.unsure[i] = Number(isUnsure);
    }
  }

  /** Takes a write back. @param unsure what was not known before it */
  restore(at: number, bytes: Uint8Array, unsure: Uint8Array): void {
    this.write(at, bytes);
    for (let i = 0; i < unsure.length; i += 1) {
      this.unsureCount += (unsure[i] as number) - (this.unsure[at + i] as number);
      this.unsure[at + i] = unsure[i] as number;
    }
  }

  isUnsure(at: number, byteLength: number): boolean {
    if (this.bytes === undefined) return true;
    return this.unsureCount > 0 && this.unsure.subarray(at, at + byteLength).includes(1);
  }

  /** Where `found` is not what it should be from `at` on; -1 where it is. */
  differsAt(at: number, found: Uint8Array): number {
    if (this.bytes === undefined) return -1;
    if (Buffer.compare(found, this.bytes.subarray(at, at + found.length)) === 0) return -1;
    for (let i = 0; i < found.length; i += 1) {
      if (this.unsure[at + i] === 0 && found[i] !== this.bytes[at + i]) return i;
    }
    return -1;
  }
}
