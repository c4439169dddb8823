import { AT, OP_COUNT, OPCODES, PAYLOAD_MAX, u64At, WORD_SIZES } from "../wire/frame.ts";
import type { Expected, Owed } from "./answers.ts";
import { EpochOracle, gettable } from "./epochs.ts";
import { groupBreach, groupTelling } from "./groups.ts";
import { type Land, READ, WRITE } from "./land.ts";
import type { Holdings } from "./oracle.ts";
import {
  GET_MAX,
  NOTIFIED_TELLING,
  nextBreach,
  nextTelling,
  OPEN_TELLING,
  openBreach,
  queueRange,
  refusesNotice,
} from "./queues.ts";
import { type Breach, STATUS } from "./statuses.ts";
import { answered, applied } from "./words.ts";

/** What is to be done with the payload once it is there. */
type WithPayload = (payload: Uint8Array) => void;
type Outcome = Breach | WithPayload | undefined;

const INLINE = 8;
const OK_ONLY = [STATUS.OK];
/** What may become of a request for a lock that is allowed. */
const LOCK_STATUSES = [
  STATUS.OK,
  STATUS.ABORTED,
  STATUS.DEADLOCK,
  STATUS.INVALID_ARGUMENT,
  STATUS.TIMEOUT,
  STATUS.TOO_MANY,
];
/** What may become of a wait for a word that is allowed. */
const WORD_STATUSES = [STATUS.OK, STATUS.ABORTED, STATUS.TIMEOUT, STATUS.TOO_MANY];
/** The end of so long a wait is waited for. */
const WAIT_MS_MAX = 1000;

/** Carries out well-formed commands on the lands of a session, and notes what they are answered with. */
export class Executor {
  readonly #holdings: Holdings;
  readonly #owed: Owed;
  readonly #eight = new Uint8Array(8);
  readonly #eightView = new DataView(this.#eight.buffer);

  readonly #epochs: EpochOracle;

  /** @param session its number */
  constructor(holdings: Holdings, owed: Owed, session: number) {
    this.#holdings = holdings;
    this.#owed = owed;
    this.#epochs = new EpochOracle(holdings, owed, session);
  }

  execute(header: DataView): Outcome {
    switch (header.getUint8(AT.opcode)) {
      case OPCODES.HELLO:
        return "HELLO again";
      case OPCODES.GET:
        return this.#get(header);
      case OPCODES.PUT:
        return this.#put(header);
      case OPCODES.FETCH_OP:
      case OPCODES.COMPARE_AND_SWAP:
        return this.#atomic(header);
      case OPCODES.ACCUMULATE:
        return this.#accumulate(header);
      case OPCODES.FLUSH:
        return this.#flush(header);
      case OPCODES.LOCK:
        return this.#lock(header);
      case OPCODES.UNLOCK:
        return this.#unlock(header);
      case OPCODES.EPOCH_GET:
        return this.#epochGet(header);
      case OPCODES.EPOCH:
        return this.#epoch(header);
      case OPCODES.PUT_NOTIFY:
        return this.#putNotify(header);
      case OPCODES.GET_NOTIFY:
        return this.#getNotify(header);
      case OPCODES.QUEUE_OPEN:
        return openBreach(header) ?? ((payload) => this.#openQueue(header, payload));
      case OPCODES.QUEUE_CLOSE:
        return this.#closeQueue(header);
      case OPCODES.NOTIFY_NEXT:
        return this.#next(header);
      case OPCODES.WORD_WAIT:
        return this.#waitForWord(header);
      case OPCODES.WORDS_TOUCHED:
        return this.#touched(header);
      case OPCODES.GROUP_JOIN:
      case OPCODES.GROUP_BARRIER:
      case OPCODES.GROUP_LEAVE:
        return this.#group(header);
      default:
        return "no such command";
    }
  }

  #get(header: DataView): Outcome {
    if (header.getUint16(AT.flags, true) !== 0) return "GET: flags";
    if (payloadOf(header) !== 0) return "GET: payload";
    const length = u64At(header, AT.length);
    const found = this.#find(header, length, READ, 1);
    if (typeof found === "number") return this.#refuse(header, found);
    if (length > PAYLOAD_MAX) return this.#refuse(header, STATUS.RANGE);
    const at = u64At(header, AT.offset);
    const { bytes } = found;
    const isUnsure = found.isUnsure(at, length);
    if (length > INLINE) {
      this.#owe(header, found, {
        payloadBytes: length,
        payload: bytes?.slice(at, at + length),
        source: { land: found, at },
        unsure: isUnsure ? found.unsure.slice(at, at + length) : undefined,
      });
    } else
      this.#owe(header, found, isUnsure ? { value: undefined } : { value: this.#word(found, at, length) });
    return undefined;
  }

  #put(header: DataView): Outcome {
    const length = u64At(header, AT.length);
    if (header.getUint16(AT.flags, true) !== 0) return "PUT: flags";
    if (payloadOf(header) !== (length <= INLINE ? 0 : length)) return "PUT: payload";
    const found = this.#find(header, length, WRITE, 1);
    if (typeof found === "number") return this.#refuse(header, found);
    const at = u64At(header, AT.offset);
    if (length > INLINE) return this.#whenWhole(header, found, (payload) => found.write(at, payload));
    found.write(at, new Uint8Array(header.buffer, header.byteOffset + AT.operand, length));
    this.#owe(header, found);
    return undefined;
  }

  #atomic(header: DataView): Outcome {
    const swaps = header.getUint8(AT.opcode) === OPCODES.COMPARE_AND_SWAP;
    const flags = header.getUint16(AT.flags, true);
    const word = swaps ? flags : flags & 15;
    const size = WORD_SIZES[word];
    if (size === undefined || (!swaps && flags >>> 4 >= OP_COUNT))
      return swaps ? "COMPARE_AND_SWAP: word" : "FETCH_OP: operator or word";
    if (u64At(header, AT.length) !== size || payloadOf(header) !== 0)
      return swaps ? "COMPARE_AND_SWAP: length or payload" : "FETCH_OP: length or payload";
    const found = this.#find(header, size, READ | WRITE, size);
    if (typeof found === "number") return this.#refuse(header, found);
    const at = u64At(header, AT.offset);
    const operand = header.getBigUint64(AT.operand, true);
    const isUnsure = found.isUnsure(at, size);
    const before = this.#word(found, at, size);
    this.#owe(header, found, { value: isUnsure ? undefined : answered(word, before) });
    if (!swaps) this.#apply(found, at, flags >>> 4, word, operand);
    else if (isUnsure) found.write(at, this.#eight.subarray(0, size), true);
    else if (before === BigInt.asUintN(size * 8, header.getBigUint64(AT.compare, true))) {
      this.#store(found, at, size, operand);
    }
    return undefined;
  }

  #accumulate(header: DataView): Outcome {
    const flags = header.getUint16(AT.flags, true);
    const word = flags & 15;
    const size = WORD_SIZES[word];
    const length = u64At(header, AT.length);
    if (size === undefined || flags >>> 4 >= OP_COUNT) return "ACCUMULATE: operator or word";
    if (length % size !== 0 || payloadOf(header) !== length) return "ACCUMULATE: length or payload";
    const found = this.#find(header, length, WRITE, size);
    if (typeof found === "number") return this.#refuse(header, found);
    const offset = u64At(header, AT.offset);
    return this.#whenWhole(header, found, (payload) => {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      for (let at = 0; at < length; at += size) {
        const operand = size === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
        this.#apply(found, offset + at, flags >>> 4, word, operand);
      }
    });
  }

  #flush(header: DataView): Outcome {
    const flags = header.getUint16(AT.flags, true);
    if (flags > 1 || payloadOf(header) !== 0) return "FLUSH: flags or payload";
    const found = this.#holdings.lands.get(header.getUint32(AT.handle, true));
    if (found === undefined) return this.#refuse(header, STATUS.UNBOUND);
    if (found.refusal !== undefined) return this.#refuse(header, found.refusal);
    if (flags === 0) this.#owe(header, found);
    else if (!this.#holdings.durable) this.#owe(header, found, { statuses: [STATUS.NOT_DURABLE] });
    else this.#owed.addFlush(this.#expected(header, found, {}));
    return undefined;
  }

  #lock(header: DataView): Outcome {
    const flags = header.getUint16(AT.flags, true);
    if (flags > 1 || payloadOf(header) !== 0) return "LOCK: flags or payload";
    const length = u64At(header, AT.length);
    const found = this.#find(header, length, flags === 1 ? WRITE : READ, 1);
    if (typeof found === "number") return this.#refuse(header, found);
    if (length === 0) return this.#refuse(header, STATUS.RANGE);
    // Others hold and wait, too, and so do sessions that have ended: whatever comes of it may be.
    const expected = this.#expected(header, found, { statuses: LOCK_STATUSES, value: undefined });
    if (header.getUint32(AT.compare, true) <= WAIT_MS_MAX) this.#owed.addFlush(expected);
    else this.#owed.addLate(expected);
    return undefined;
  }

  #unlock(header: DataView): Outcome {
    if (header.getUint16(AT.flags, true) !== 0 || payloadOf(header) !== 0) return "UNLOCK: flags or payload";
    this.#owed.add(this.#expected(header, undefined, { value: undefined }));
    return undefined;
  }

  #group(header: DataView): Outcome {
    const breach = groupBreach(header);
    if (breach !== undefined) return breach;
    if (header.getUint8(AT.opcode) === OPCODES.GROUP_LEAVE) {
      this.#owed.add(this.#expected(header, undefined, { value: undefined, values: [0, 1] }));
      return undefined;
    }
    const { more, waitMs } = groupTelling(header, this.#holdings.groups);
    const expected = this.#expected(header, undefined, more);
    if (waitMs <= WAIT_MS_MAX) this.#owed.addFlush(expected);
    else this.#owed.addLate(expected);
    return undefined;
  }

  #epochGet(header: DataView): Outcome {
    if (header.getUint16(AT.flags, true) !== 0 || payloadOf(header) !== 0)
      return "EPOCH_GET: flags or payload";
    const length = u64At(header, AT.operand);
    const found = this.#find(header, length, READ, 1);
    if (typeof found === "number" && found !== STATUS.IO) return this.#refuse(header, found);
    const land = this.#holdings.lands.get(header.getUint32(AT.handle, true)) as Land;
    const gets = gettable(header, land);
    if (typeof gets === "number") return this.#refuse(header, gets);
    if (u64At(header, AT.length) !== gets.payloadBytes) return "EPOCH_GET: length";
    if (typeof found === "number") return this.#refuse(header, found);
    this.#owe(header, found, this.#epochs.got(found, u64At(header, AT.offset), length));
    return undefined;
  }

  #epoch(header: DataView): Outcome {
    const payloadBytes = payloadOf(header);
    const isRight =
      header.getUint16(AT.flags, true) === 0 &&
      header.getUint32(AT.handle, true) === 0 &&
      payloadBytes > 0 &&
      u64At(header, AT.length) === payloadBytes;
    if (!isRight) return "EPOCH: flags, handle, length or payload";
    // Once it is whole; and whatever waits for a sync is answered when that is done.
    return (payload) => this.#owed.addFlush(this.#expected(header, undefined, this.#epochs.told(payload)));
  }

  /** Where others read too little it is refused, or answered late: its bytes may be there or not until they are put anew. */
  #putNotify(header: DataView): Outcome {
    const length = u64At(header, AT.length);
    const flags = header.getUint16(AT.flags, true);
    const isPlaced = flags === 1;
    const isRight = flags <= 1 && payloadOf(header) === (isPlaced || length <= INLINE ? 0 : length);
    if (!isRight) return "PUT_NOTIFY: flags or payload";
    const found = this.#find(header, length, WRITE, 1);
    if (typeof found === "number") return this.#refuse(header, found);
    if (refusesNotice(header, PAYLOAD_MAX)) return this.#refuse(header, STATUS.RANGE);
    const at = u64At(header, AT.offset);
    this.#owed.addLate(this.#expected(header, found, NOTIFIED_TELLING));
    if (isPlaced) return undefined;
    if (length > INLINE) return (payload) => found.write(at, payload, true);
    found.write(at, new Uint8Array(header.buffer, header.byteOffset + AT.operand, length), true);
    return undefined;
  }

  #getNotify(header: DataView): Outcome {
    if (header.getUint16(AT.flags, true) !== 0 || payloadOf(header) !== 0)
      return "GET_NOTIFY: flags or payload";
    const length = u64At(header, AT.length);
    const found = this.#find(header, length, READ, 1);
    if (typeof found === "number" && found !== STATUS.IO) return this.#refuse(header, found);
    if (refusesNotice(header, GET_MAX)) return this.#refuse(header, STATUS.RANGE);
    if (typeof found === "number") return this.#refuse(header, found);
    const at = u64At(header, AT.offset);
    const isUnsure = found.isUnsure(at, length);
    const answer =
      length > INLINE
        ? {
            payloadBytes: length,
            payload: found.bytes?.slice(at, at + length),
            unsure: isUnsure ? found.unsure.slice(at, at + length) : undefined,
          }
        : { value: isUnsure ? undefined : this.#word(found, at, length) };
    // Nothing tells what it was answered with from what it would have been later: it was copied when it came.
    this.#owed.addLate(this.#expected(header, found, { ...NOTIFIED_TELLING, ...answer, settled: () => {} }));
    return undefined;
  }

  #openQueue(header: DataView, payload: Uint8Array): void {
    const range = queueRange(payload);
    const told = (statuses: readonly number[], land?: Land): void =>
      this.#owed.add(this.#expected(header, land, { ...OPEN_TELLING, statuses }));
    if (range === undefined) {
      told([STATUS.PROTOCOL]);
      return;
    }
    const land = this.#holdings.lands.get(header.getUint32(AT.handle, true));
    if (land === undefined)
      told(this.#holdings.hasLostHandles === true ? [STATUS.UNBOUND, STATUS.REVOKED] : [STATUS.UNBOUND]);
    else if ((land.rights & READ) === 0) told([STATUS.RIGHTS], land);
    else if (range.length > land.byteLength || range.at > land.byteLength - range.length)
      told([STATUS.RANGE], land);
    else told(OPEN_TELLING.statuses, land);
  }

  #closeQueue(header: DataView): Outcome {
    if (header.getUint16(AT.flags, true) !== 0 || payloadOf(header) !== 0)
      return "QUEUE_CLOSE: flags or payload";
    this.#owed.add(this.#expected(header, undefined, { value: undefined }));
    return undefined;
  }

  #next(header: DataView): Outcome {
    const breach = nextBreach(header);
    if (breach !== undefined) return breach;
    const expected = this.#expected(header, undefined, nextTelling(header));
    if (header.getUint32(AT.compare, true) <= WAIT_MS_MAX) this.#owed.addFlush(expected);
    else this.#owed.addLate(expected);
    return undefined;
  }

  #waitForWord(header: DataView): Outcome {
    const flags = header.getUint16(AT.flags, true);
    const size = u64At(header, AT.length);
    const high = header.getUint32(AT.operand + 4, true);
    const waitMs = header.getUint32(AT.compare, true);
    const isRight =
      flags <= 1 &&
      (size === 4 || size === 8) &&
      payloadOf(header) === 0 &&
      header.getUint32(AT.compare + 4, true) === 0 &&
      (size === 8 || high === 0) &&
      (flags === 0 || (header.getUint32(AT.operand, true) === 0 && high === 0 && waitMs === 0));
    if (!isRight) return "WORD_WAIT: flags, length, operand, compare or payload";
    const found = this.#find(header, size, READ, size);
    if (typeof found === "number") return this.#refuse(header, found);
    if (flags === 1) {
      // Waits that it takes back may be answered between others, and so it may be taken for one of them.
      this.#owed.addFlush(this.#expected(header, found, { statuses: WORD_STATUSES, value: undefined }));
      return undefined;
    }
    const expected = this.#expected(header, found, { statuses: WORD_STATUSES, value: undefined });
    if (waitMs <= WAIT_MS_MAX) this.#owed.addFlush(expected);
    else this.#owed.addLate(expected);
    return undefined;
  }

  #touched(header: DataView): Outcome {
    const fields = [AT.operand, AT.operand + 4, AT.compare, AT.compare + 4];
    const isRight =
      header.getUint16(AT.flags, true) === 0 &&
      payloadOf(header) === 0 &&
      fields.every((at) => header.getUint32(at, true) === 0);
    if (!isRight) return "WORDS_TOUCHED: flags, operand, compare or payload";
    // The range is not looked at.
    const land = this.#holdings.lands.get(header.getUint32(AT.handle, true));
    if (land === undefined) return this.#refuse(header, STATUS.UNBOUND);
    if ((land.rights & WRITE) === 0) return this.#refuse(header, STATUS.RIGHTS);
    if (land.refusal !== undefined) return this.#refuse(header, land.refusal);
    this.#owe(header, land);
    return undefined;
  }

  /** @returns the land, or the status that refuses the access */
  #find(header: DataView, length: number, access: number, alignment: number): Land | number {
    const land = this.#holdings.lands.get(header.getUint32(AT.handle, true));
    if (land === undefined) return STATUS.UNBOUND;
    if ((land.rights & access) !== access) return STATUS.RIGHTS;
    const offset = u64At(header, AT.offset);
    if (length > land.byteLength || offset > land.byteLength - length) return STATUS.RANGE;
    if ((land.at + offset) % alignment !== 0) return STATUS.ALIGNMENT;
    return land.refusal ?? land;
  }

  #refuse(header: DataView, status: number): Outcome {
    const land = this.#holdings.lands.get(header.getUint32(AT.handle, true));
    const mayBeRevoked = land === undefined && this.#holdings.hasLostHandles === true;
    const statuses = mayBeRevoked ? [status, STATUS.REVOKED] : [status];
    this.#owed.add(this.#expected(header, land, { statuses }));
    if (payloadOf(header) === 0) return undefined;
    return () => {};
  }

  #whenWhole(header: DataView, land: Land, body: WithPayload): Outcome {
    this.#owe(header, land);
    // Without bytes to wait for it happens at once.
    if (payloadOf(header) > 0) return body;
    body(new Uint8Array(0));
    return undefined;
  }

  #owe(header: DataView, land: Land, more: Partial<Expected> = {}): void {
    this.#owed.add(this.#expected(header, land, more));
  }

  #expected(header: DataView, land: Land | undefined, more: Partial<Expected>): Expected {
    const statuses = more.statuses ?? OK_ONLY;
    return {
      opcode: header.getUint8(AT.opcode),
      tag: header.getUint32(AT.tag, true),
      payloadBytes: 0,
      payload: undefined,
      unsure: undefined,
      value: 0n,
      ...more,
      statuses: land === undefined || land.troubles.length === 0 ? statuses : [...statuses, ...land.troubles],
    };
  }

  #word(land: Land, at: number, size: number): bigint {
    this.#eight.fill(0);
    if (land.bytes !== undefined) this.#eight.set(land.bytes.subarray(at, at + size));
    return this.#eightView.getBigUint64(0, true);
  }

  #store(land: Land, at: number, size: number, bits: bigint, isUnsure = false): void {
    this.#eightView.setBigUint64(0, bits, true);
    land.write(at, this.#eight.subarray(0, size), isUnsure);
  }

  #apply(land: Land, at: number, op: number, word: number, operand: bigint): void {
    if (land.bytes === undefined) return;
    const size = WORD_SIZES[word] as number;
    const overwrites = op === OP_COUNT - 1;
    const isUnsure = !overwrites && land.isUnsure(at, size);
    const after = applied(op, word, this.#word(land, at, size), operand);
    this.#store(land, at, size, after ?? 0n, isUnsure || after === undefined);
  }
}

function payloadOf(header: DataView): number {
  return header.getUint32(AT.payloadBytes, true);
}
