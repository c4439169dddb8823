import type { Land } from "./land.ts";

/** What an answer must be. */
export interface Expected {
  readonly opcode: number;
  readonly tag: number;
  /** Any of these. */
  statuses: readonly number[];
  /** Of a success. */
  readonly payloadBytes: number;
  /** What the payload must be, where it is known. */
  readonly payload: Uint8Array | undefined;
  /** 1 where a byte of the payload may be anything. */
  unsure: Uint8Array | undefined;
  /** Whose bytes the payload has, and where they begin there: they are those of the moment when it leaves. */
  readonly source?: { readonly land: Land; readonly at: number };
  /** Of a success; undefined where it may be anything. */
  readonly value: bigint | undefined;
  /** Of a success, instead of `value`: any of these. */
  readonly values?: readonly number[];
  /** Of a success: notices may come with it, so many at most; then `value` says how many. */
  readonly noticesMax?: number;
  /** For the tally: what an opcode alone does not say. */
  readonly what?: string;
  /** Is told what came of this one, or of another one that nothing tells apart. */
  readonly heard?: (status: number, value: number) => void;
  /** Is told what came of it. */
  readonly settled?: (status: number, value: number, payload: Uint8Array) => void;
}

/**
 * The answers that a connection owes, in their order; a stable flush is answered whenever its sync is done, and a request for
 * a lock whenever that is decided.
 */
export class Owed {
  readonly #inOrder: (Expected | undefined)[] = [];
  #first = 0;
  readonly #flushes: Expected[] = [];
  readonly #late: Expected[] = [];

  get count(): number {
    return this.#inOrder.length - this.#first + this.#flushes.length;
  }

  add(expected: Expected): void {
    this.#inOrder.push(expected);
  }

  addFlush(expected: Expected): void {
    this.#likeItsTwins(expected);
    this.#flushes.push(expected);
  }

  /** An epoch may write these bytes of the land, also while answers are on their way that were asked for before. */
  blur(land: Land, at: number, byteLength: number): void {
    for (let i = this.#first; i < this.#inOrder.length; i += 1) {
      const expected = this.#inOrder[i] as Expected;
      const { source, payload } = expected;
      if (source?.land !== land || payload === undefined) continue;
      const from = Math.max(0, at - source.at);
      const to = Math.min(payload.length, at + byteLength - source.at);
      if (from >= to) continue;
      expected.unsure ??= new Uint8Array(payload.length);
      expected.unsure.fill(1, from, to);
    }
  }

  /** One that may take so long that nobody waits for it. */
  addLate(expected: Expected): void {
    this.#likeItsTwins(expected);
    this.#late.push(expected);
  }

  /** Where nothing but the status tells answers without an order apart, which of them has come is not known. */
  #likeItsTwins(expected: Expected): void {
    const { opcode, tag, settled } = expected;
    if (settled !== undefined) return;
    const outstanding = [...this.#flushes, ...this.#late];
    const twins = outstanding.filter((one) => one.opcode === opcode && one.tag === tag);
    const statuses = [...new Set([expected, ...twins].flatMap((one) => one.statuses))];
    for (const one of [expected, ...twins]) one.statuses = statuses;
  }

  /**
   * The one that an answer with that opcode and tag must be; undefined where none is owed. Where tags were used twice several
   * may be meant: then it is one that may have that status.
   */
  take(opcode: number, tag: number, status?: number): Expected | undefined {
    const isMeant = (one: Expected | undefined): one is Expected =>
      one !== undefined && one.opcode === opcode && one.tag === tag;
    const fits = (one: Expected): boolean => status === undefined || one.statuses.includes(status);
    const next = this.#inOrder[this.#first];
    if (isMeant(next) && fits(next)) return this.#takeNext(next);
    for (const exactly of [true, false]) {
      for (const unordered of [this.#flushes, this.#late]) {
        const at = unordered.findIndex((one) => isMeant(one) && (!exactly || fits(one)));
        if (at >= 0) return unordered.splice(at, 1)[0];
      }
    }
    return isMeant(next) ? this.#takeNext(next) : undefined;
  }

  #takeNext(next: Expected): Expected {
    this.#inOrder[this.#first] = undefined;
    this.#first += 1;
    if (this.#first > 4096) {
      this.#inOrder.splice(0, this.#first);
      this.#first = 0;
    }
    return next;
  }

  /** For messages. */
  describe(): string {
    const next = this.#inOrder[this.#first];
    return `next owed: ${next === undefined ? "nothing" : JSON.stringify({ ...next, value: String(next.value), payload: next.payload?.length })}, ${this.#flushes.length} stable flushes`;
  }
}
