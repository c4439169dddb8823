import { AT, HEADER, MAGIC, OPCODES, PAYLOAD_MAX, TOKEN, u64At, VERSION } from "../wire/frame.ts";
import type { KnownGroups } from "../wire/group-frames.ts";
import { type Expected, Owed } from "./answers.ts";
import { Executor } from "./executor.ts";
import type { Land } from "./land.ts";
import { type Breach, STATUS } from "./statuses.ts";

/** What a connection that says hello as it should is told. */
export interface Admission {
  readonly session: number;
  readonly token: Uint8Array;
  /** OK, or why it is turned away all the same. */
  readonly status: number;
}

/** A session as its connections see it. */
export interface Holdings {
  /** By handle. */
  readonly lands: Map<number, Land>;
  readonly durable: boolean;
  /** A handle was given and revoked before anybody here was told it: whoever hits upon it is told so. */
  hasLostHandles?: boolean;
  /** Nobody else may touch its lines, so an epoch that reads nothing is committed. */
  readonly isUndisturbed?: boolean;
  /** What came of its epochs, before they are prepared; see epochs.ts. */
  parts?: Map<string, unknown>;
  /** What it was told of groups. */
  readonly groups?: KnownGroups;
}

/**
 * Reads what one connection sends, as the description of the wire says, and knows what must come of it: which answers
 * are owed, what the lands hold, and when the connection must end. It never looks at the target.
 */
export class Oracle {
  readonly owed: Owed = new Owed();
  /** What ended it. Nothing behind it counts. */
  breach: Breach | undefined;
  /** The header of the breach was well formed. */
  breachPassed = false;
  turnedAway = false;
  admitted = false;
  /** Payload of the last command that is still to come. */
  payloadLeft = 0;
  readonly #admission: Admission;
  readonly #executor: Executor;
  /** What does not make a header, or a payload, yet. */
  #rest = new Uint8Array(0);
  /** Takes the payload whole. */
  #whenWhole: ((payload: Uint8Array) => void) | undefined;

  constructor(admission: Admission, holdings: Holdings) {
    this.#admission = admission;
    this.#executor = new Executor(holdings, this.owed, admission.session);
  }

  get over(): boolean {
    return this.breach !== undefined || this.turnedAway;
  }

  /** True between two commands, so that what is sent next is read as a header. */
  get inStep(): boolean {
    return this.payloadLeft === 0 && this.#rest.length === 0;
  }

  read(bytes: Uint8Array): void {
    let input = bytes;
    if (this.#rest.length > 0) {
      input = new Uint8Array(this.#rest.length + bytes.length);
      input.set(this.#rest);
      input.set(bytes, this.#rest.length);
    }
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    let at = 0;
    while (!this.over) {
      const used = this.#whenWhole === undefined ? this.#header(view, at) : this.#payload(input, at);
      if (used === 0) break;
      at += used;
    }
    this.#rest = input.slice(at);
    if (this.#whenWhole !== undefined) this.payloadLeft = this.#payloadBytes - this.#rest.length;
  }

  #payloadBytes = 0;

  #payload(input: Uint8Array, at: number): number {
    if (input.length - at < this.#payloadBytes) return 0;
    const whole = this.#whenWhole;
    this.#whenWhole = undefined;
    this.payloadLeft = 0;
    whole?.(input.subarray(at, at + this.#payloadBytes));
    return this.#payloadBytes;
  }

  /** @returns bytes used, 0 where there are too few */
  #header(view: DataView, at: number): number {
    if (view.byteLength - at < HEADER) return 0;
    const header = new DataView(view.buffer, view.byteOffset + at, HEADER);
    if (!this.admitted) return this.#hello(view, header, at);
    const fault = faultOf(header);
    if (fault !== undefined) {
      this.breach = fault;
      return HEADER;
    }
    const outcome = this.#executor.execute(header);
    if (typeof outcome === "string") {
      this.breach = outcome;
      this.breachPassed = true;
    } else if (outcome !== undefined) {
      this.#payloadBytes = header.getUint32(AT.payloadBytes, true);
      this.payloadLeft = this.#payloadBytes;
      this.#whenWhole = outcome;
    }
    return HEADER;
  }

  #hello(view: DataView, header: DataView, at: number): number {
    const isOurs = header.getUint16(AT.magic, true) === MAGIC;
    if (isOurs && header.getUint8(AT.version) !== VERSION) return this.#turnAway(header, STATUS.VERSION);
    if (faultOf(header) !== undefined || header.getUint8(AT.opcode) !== OPCODES.HELLO) {
      this.breachPassed = faultOf(header) === undefined;
      this.breach = "stranger: no HELLO";
      return HEADER;
    }
    if (header.getUint32(AT.payloadBytes, true) !== TOKEN) {
      this.breachPassed = true;
      this.breach = "stranger: no token";
      return HEADER;
    }
    if (view.byteLength - at < HEADER + TOKEN) return 0;
    const token = new Uint8Array(view.buffer, view.byteOffset + at + HEADER, TOKEN);
    const { session, token: own, status } = this.#admission;
    const isKnown = u64At(header, AT.operand) === session && Buffer.compare(token, own) === 0;
    if (!isKnown) return this.#turnAway(header, STATUS.AUTH);
    if (status !== STATUS.OK) return this.#turnAway(header, status);
    this.admitted = true;
    this.owed.add(plainAnswer(header, STATUS.OK));
    return HEADER + TOKEN;
  }

  #turnAway(header: DataView, status: number): number {
    this.turnedAway = true;
    this.owed.add(plainAnswer(header, status));
    return HEADER;
  }
}

/** What every header must be; undefined where it is. */
function faultOf(header: DataView): Breach | undefined {
  if (header.getUint16(AT.magic, true) !== MAGIC) return "magic";
  if (header.getUint8(AT.version) !== VERSION) return "version";
  const opcode = header.getUint8(AT.opcode);
  const notifies = opcode === OPCODES.PUT_NOTIFY || opcode === OPCODES.GET_NOTIFY;
  const reserved = [
    header.getUint16(AT.zero, true),
    notifies ? 0 : header.getUint32(AT.notification, true),
    header.getUint32(AT.notification + 4, true),
    header.getUint32(AT.lastZero, true),
  ];
  if (reserved.some((field) => field !== 0)) return "reserved";
  return header.getUint32(AT.payloadBytes, true) > PAYLOAD_MAX ? "payload above the limit" : undefined;
}

function plainAnswer(header: DataView, status: number): Expected {
  return {
    opcode: header.getUint8(AT.opcode),
    tag: header.getUint32(AT.tag, true),
    statuses: [status],
    payloadBytes: 0,
    payload: undefined,
    unsure: undefined,
    value: 0n,
  };
}
