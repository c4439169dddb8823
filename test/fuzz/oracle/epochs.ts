import {
  ANSWERS,
  EPOCH_GET_MAX,
  type EpochTelling,
  type EpochWrite,
  KINDS,
  lineCountOf,
  OTHERS_MAX,
  readEpochPayload,
} from "../wire/epoch-payload.ts";
import { AT, u64At } from "../wire/frame.ts";
import type { Expected, Owed } from "./answers.ts";
import { type Land, READ, WRITE } from "./land.ts";
import type { Holdings } from "./oracle.ts";
import { STATUS } from "./statuses.ts";

/** How long the end of an epoch may wait for a sync, beyond the end of its session. */
const DOUBT_MS = 30_000;
const VERSION_BYTES = 8;
/** The high half of a version says that it is taken. */
const TAKEN = 2 ** 31;

type Telling = Pick<Expected, "statuses" | "value"> & Partial<Expected>;

/** What the epoch table may say to each kind of message. */
const VALUES: Readonly<Record<number, readonly number[]>> = {
  [KINDS.PREPARE]: [ANSWERS.PREPARED, ANSWERS.ABORTED, ANSWERS.CONFLICT, ANSWERS.REFUSED, ANSWERS.FULL],
  [KINDS.COMMIT_ALONE]: [ANSWERS.COMMITTED, ANSWERS.ABORTED, ANSWERS.CONFLICT, ANSWERS.REFUSED, ANSWERS.FULL],
  [KINDS.VALIDATE]: [ANSWERS.COMMITTED, ANSWERS.CONFLICT],
  [KINDS.DECIDE]: [ANSWERS.COMMITTED, ANSWERS.ABORTED],
  [KINDS.FINISH_COMMITTED]: [ANSWERS.COMMITTED, ANSWERS.REFUSED],
  [KINDS.FINISH_ABORTED]: [ANSWERS.ABORTED, ANSWERS.REFUSED],
};

/** What came in messages of its own, before it is prepared. */
interface Part {
  readonly reads: EpochTelling["reads"][number][];
  readonly writes: EpochWrite[];
  /** Some of it was refused, and then all of it dropped. */
  isDropped: boolean;
}

/** What one session may be told about its epochs, and what they leave in its lands. */
export class EpochOracle {
  readonly #holdings: Holdings;
  readonly #owed: Owed;
  readonly #session: number;

  constructor(holdings: Holdings, owed: Owed, session: number) {
    this.#holdings = holdings;
    this.#owed = owed;
    this.#session = session;
  }

  /** What is read at that place, with the versions of its lines behind it; whatever these are. */
  got(land: Land, at: number, length: number): Partial<Expected> {
    const lines = lineCountOf(land.at + at, length);
    const payloadBytes = length + lines * VERSION_BYTES;
    const unsure = new Uint8Array(payloadBytes).fill(1, length);
    const payload = new Uint8Array(payloadBytes);
    if (land.bytes === undefined) unsure.fill(1);
    else {
      payload.set(land.bytes.subarray(at, at + length));
      unsure.set(land.unsure.subarray(at, at + length));
    }
    const settled = (status: number, _value: number, came: Uint8Array): void => {
      if (status !== STATUS.OK) return;
      const view = new DataView(came.buffer, came.byteOffset + length, lines * VERSION_BYTES);
      const versions = Array.from({ length: lines }, (_, i) => u64At(view, i * VERSION_BYTES));
      land.see(
        at,
        versions.map((version) => version % (TAKEN * 2 ** 32)),
      );
    };
    return { payloadBytes, payload, unsure, settled };
  }

  /** @returns what a message with that payload is answered with; carries out what it does for certain */
  told(payload: Uint8Array): Telling {
    const message = readEpochPayload(payload);
    if (message === undefined) return { statuses: [STATUS.PROTOCOL], value: 0n, what: "nonsense" };
    const what = nameOf(message.kind);
    const { kind, name, others } = message;
    const key = `${name.incarnation} ${name.session} ${name.secret} ${name.sequence}`;
    switch (kind) {
      case KINDS.MORE:
        return { ...this.#more(message, key), what };
      case KINDS.PREPARE:
      case KINDS.COMMIT_ALONE:
      case KINDS.VALIDATE:
        return { ...this.#claimed(message, key), what };
      case KINDS.DECIDE:
        if (others.length > OTHERS_MAX) return { statuses: [STATUS.TOO_MANY], value: 0n, what };
        return { statuses: [STATUS.OK], value: undefined, values: VALUES[kind] as number[], what };
      case KINDS.ACKNOWLEDGE: {
        const isOwn = name.session === this.#session;
        return { statuses: [isOwn ? STATUS.OK : STATUS.PROTOCOL], value: 0n, what };
      }
      default: {
        this.#parts.delete(key);
        const values = VALUES[kind];
        if (values === undefined) return { statuses: [STATUS.OK], value: 0n, what };
        return { statuses: [STATUS.OK], value: undefined, values, what };
      }
    }
  }

  get #parts(): Map<string, Part> {
    this.#holdings.parts ??= new Map();
    return this.#holdings.parts as Map<string, Part>;
  }

  #more({ reads, writes }: EpochTelling, key: string): Telling {
    const part: Part = this.#parts.get(key) ?? { reads: [], writes: [], isDropped: false };
    for (const read of reads) part.reads.push(read);
    for (const write of writes) part.writes.push(write);
    this.#parts.set(key, part);
    const settled = (status: number): void => {
      if (status !== STATUS.OK) part.isDropped = true;
    };
    return { statuses: [STATUS.OK, STATUS.TOO_MANY], value: 0n, settled };
  }

  #claimed(message: EpochTelling, key: string): Telling {
    const part = this.#parts.get(key);
    this.#parts.delete(key);
    const troubles = new Set<number>();
    const refusal = this.#refused(message, message.stable, troubles);
    const partRefusal = part === undefined ? [] : this.#refused(part, message.stable, troubles);
    if (refusal.length > 0) return { statuses: [...partRefusal, ...refusal, ...troubles], value: 0n };
    // What came before is refused with it, where it was not dropped.
    if (partRefusal.length > 0) return this.#claimedOrRefused(message, [...partRefusal, ...troubles]);
    const reads = [...(part?.reads ?? []), ...message.reads];
    const writes = [...(part?.writes ?? []), ...message.writes];
    const statuses = [STATUS.OK, STATUS.TOO_MANY, ...troubles];
    if (message.kind === KINDS.VALIDATE) return this.#validated(part, writes, troubles);
    const written = this.#written(writes, message);
    const values = VALUES[message.kind] as number[];
    const { isSure, commits } = this.#commits(message, reads, writes);
    if (commits) {
      for (const { land, at, bytes } of written) land.write(at, bytes);
      return { statuses: [STATUS.OK], value: undefined, values: [ANSWERS.COMMITTED] };
    }
    if (!isSure) {
      for (const { land, at, bytes } of written) land.write(at, bytes, true);
      return { statuses, value: undefined, values };
    }
    return { statuses, value: undefined, values, settled: this.#resolved(written, part) };
  }

  /** Either it is refused, or it goes on without what came before. */
  #claimedOrRefused(message: EpochTelling, refusals: readonly number[]): Telling {
    for (const { land, at, bytes } of this.#written(message.writes, message)) land.write(at, bytes, true);
    const statuses = [STATUS.OK, STATUS.TOO_MANY, ...refusals];
    if (message.kind === KINDS.VALIDATE) statuses.push(STATUS.PROTOCOL);
    return { statuses, value: undefined, values: VALUES[message.kind] as number[] };
  }

  /** What writes is refused, and has no effect; where some of what came before was refused, none of that is there. */
  #validated(part: Part | undefined, writes: readonly EpochWrite[], troubles: ReadonlySet<number>): Telling {
    const values = VALUES[KINDS.VALIDATE] as number[];
    if (writes.every(({ bytes }) => bytes.length === 0)) {
      return { statuses: [STATUS.OK, STATUS.TOO_MANY, ...troubles], value: undefined, values };
    }
    const mayBeLess = part === undefined ? [] : [STATUS.OK];
    return {
      statuses: [STATUS.PROTOCOL, STATUS.TOO_MANY, ...mayBeLess, ...troubles],
      value: undefined,
      values,
    };
  }

  /** Whether it is known at once, or with the answer, what comes of it. */
  #commits(
    { kind, stable, name }: EpochTelling,
    reads: readonly unknown[],
    writes: readonly EpochWrite[],
  ): { isSure: boolean; commits: boolean } {
    const isSure = kind === KINDS.COMMIT_ALONE && !stable;
    const { isUndisturbed = false } = this.#holdings;
    const commits = isSure && isUndisturbed && reads.length === 0 && name.session === this.#session;
    return { isSure, commits: commits && writes.length > 0 };
  }

  #written(
    writes: readonly EpochWrite[],
    { stable }: EpochTelling,
  ): { land: Land; at: number; bytes: Uint8Array }[] {
    return writes.map(({ handle, at, bytes }) => {
      const land = this.#holdings.lands.get(handle) as Land;
      this.#owed.blur(land, at, bytes.length);
      // Its sync may outlast the session.
      if (stable) land.doubt(at, bytes.length, DOUBT_MS);
      return { land, at, bytes };
    });
  }

  /** Marks what is written as not known until the answer says; then it is, where nothing else was written there since. */
  #resolved(
    written: readonly { land: Land; at: number; bytes: Uint8Array }[],
    part: Part | undefined,
  ): (status: number, value: number) => void {
    const before = written.map(({ land, at, bytes }) => ({
      bytes: land.bytes?.slice(at, at + bytes.length),
      unsure: land.unsure.slice(at, at + bytes.length),
    }));
    for (const { land, at, bytes } of written) land.write(at, bytes, true);
    const stamps = new Map(written.map(({ land }) => [land, land.writes]));
    return (status, value) => {
      for (const [land, stamp] of stamps) {
        if (land.writes !== stamp) stamps.delete(land);
      }
      const isCommitted = status === STATUS.OK && value === ANSWERS.COMMITTED;
      if (isCommitted && part?.isDropped === true) return;
      if (isCommitted) {
        for (const { land, at, bytes } of written) if (stamps.has(land)) land.write(at, bytes);
        return;
      }
      for (let i = written.length - 1; i >= 0; i -= 1) {
        const { land, at } = written[i] as { land: Land; at: number };
        const { bytes, unsure } = before[i] as { bytes: Uint8Array | undefined; unsure: Uint8Array };
        if (!stamps.has(land) || bytes === undefined) continue;
        land.restore(at, bytes, unsure);
      }
    };
  }

  /** @returns what refuses one of these accesses for certain; `troubles` gets what may refuse them */
  #refused(
    { reads, writes }: Pick<EpochTelling, "reads" | "writes">,
    stable: boolean,
    troubles: Set<number>,
  ): number[] {
    for (const { handle, at } of reads) {
      const refusal = this.#refusal(handle, at, 1, READ, false, troubles);
      if (refusal.length > 0) return refusal;
    }
    for (const { handle, at, bytes } of writes) {
      const refusal = this.#refusal(handle, at, bytes.length, WRITE, stable, troubles);
      if (refusal.length > 0) return refusal;
    }
    return [];
  }

  /** @returns what refuses the access for certain; `troubles` gets what may refuse it */
  #refusal(
    handle: number,
    at: number,
    length: number,
    access: number,
    stable: boolean,
    troubles: Set<number>,
  ): number[] {
    const land = this.#holdings.lands.get(handle);
    if (land === undefined) {
      return this.#holdings.hasLostHandles === true ? [STATUS.UNBOUND, STATUS.REVOKED] : [STATUS.UNBOUND];
    }
    for (const trouble of land.troubles) troubles.add(trouble);
    if ((land.rights & access) !== access) return [STATUS.RIGHTS];
    if (length > land.byteLength || at > land.byteLength - length) return [STATUS.RANGE];
    if (land.refusal !== undefined) return [land.refusal];
    return stable && !this.#holdings.durable ? [STATUS.NOT_DURABLE] : [];
  }
}

/** @returns the length that the answer's payload must have, or what keeps it from being read */
export function gettable(header: DataView, land: Land): { readonly payloadBytes: number } | number {
  const length = u64At(header, AT.operand);
  if (length === 0 || length > EPOCH_GET_MAX) return STATUS.RANGE;
  const at = land.at + u64At(header, AT.offset);
  return { payloadBytes: length + VERSION_BYTES * lineCountOf(at, length) };
}

function nameOf(kind: number): string {
  return Object.entries(KINDS).find(([, number]) => number === kind)?.[0] ?? `kind ${kind}`;
}
