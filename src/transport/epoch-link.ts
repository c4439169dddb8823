import { codeOf, DidafsError, ERROR_TABLE } from "../std/errors.ts";
import { lineCount, VERSION_BYTES, VERSION_IS_TAKEN } from "../wire/epoch-message.ts";
import { OPCODE } from "../wire/header.ts";
import { type CallLimits, timeoutError } from "./call-limits.ts";
import type { RemoteLink } from "./remote-link.ts";
import { SyncWait } from "./sync-wait.ts";
import { type RemoteBinding, Transfer } from "./transfer.ts";

/**
 * What epochs of one session say to one worker, on a data connection of their own: a plain write that waits for a line to be
 * released holds up what comes behind it, and the message that releases the line must not.
 */
export class EpochLink {
  readonly link: RemoteLink;
  readonly #wait: SyncWait;

  constructor(link: RemoteLink) {
    this.link = link;
    this.#wait = new SyncWait([link]);
  }

  /**
   * Reads a range together with the versions of its lines; `into` is touched until it settles.
   * @param at in the binding; `regionAt` the same byte in the region, which says what lines these are
   * @param into one byte at least, EPOCH_GET_BYTES_MAX at most
   * @returns one version a line; undefined where an epoch is about to write one of them, and it is to be asked again
   */
  async read(
    binding: RemoteBinding,
    at: number,
    regionAt: number,
    into: Uint8Array,
    limits: CallLimits,
  ): Promise<number[] | undefined> {
    const { transfer, answer } = this.#reading(binding, at, regionAt, into.length);
    await this.#run(transfer, limits);
    into.set(answer.subarray(0, into.length));
    return versionsOf(answer, into.length);
  }

  /** The same, while this thread waits for `timeoutMs` at most. */
  readSync(
    binding: RemoteBinding,
    at: number,
    regionAt: number,
    into: Uint8Array,
    timeoutMs: number,
  ): number[] | undefined {
    const { session, connection } = this.link;
    if (session.isLost) throw session.error("no");
    const { transfer, answer } = this.#reading(binding, at, regionAt, into.length);
    connection.submit(transfer);
    if (!this.#wait.until(transfer, timeoutMs)) {
      connection.abandon(transfer);
      throw timeoutError(timeoutMs, "no");
    }
    const failure = this.#failureOf(transfer);
    if (failure !== undefined) throw failure;
    into.set(answer.subarray(0, into.length));
    return versionsOf(answer, into.length);
  }

  #reading(
    binding: RemoteBinding,
    at: number,
    regionAt: number,
    length: number,
  ): { transfer: Transfer; answer: Uint8Array<ArrayBuffer> } {
    const answer = new Uint8Array(length + lineCount(regionAt, length) * VERSION_BYTES);
    const transfer = new Transfer().reset(OPCODE.EPOCH_GET, 0, at, answer.length).lend(answer, 0);
    transfer.address = this.link.memory.addressOf(answer);
    transfer.operandLow = length;
    transfer.binding = binding;
    return { transfer, answer };
  }

  /**
   * Says one message (wire/epoch-message.ts). Messages arrive in the order in which they were said.
   * @param payload nobody changes it from now on
   * @returns what became of it (EPOCH_ANSWER)
   */
  async tell(payload: Uint8Array, limits: CallLimits): Promise<number> {
    const transfer = new Transfer().reset(OPCODE.EPOCH, 0, 0, payload.length).lend(payload, 0);
    transfer.address = this.link.memory.addressOf(payload);
    await this.#run(transfer, limits);
    return transfer.valueLow;
  }

  #run(transfer: Transfer, limits: CallLimits): Promise<void> {
    const { session, connection, pump } = this.link;
    if (session.isLost) return Promise.reject(session.error("no"));
    return pump.run(connection, transfer, limits, (settled) => this.#failureOf(settled));
  }

  #failureOf({ status, lost, reads }: Transfer): DidafsError | undefined {
    const { session } = this.link;
    if (status !== 0) {
      const code = codeOf(status);
      // A drive may fail in the middle of a message; what else is wrong is seen before anything is done.
      const applied = code === "ERR_IO" && !reads ? "unknown" : "no";
      const [, , , meaning] = ERROR_TABLE[code];
      const message = `target ${session.target} refused what an epoch asked: ${meaning}`;
      return new DidafsError(code, message, { applied, target: session.target });
    }
    return lost ? session.error(reads ? "no" : "unknown") : undefined;
  }
}

/** @param length of the bytes before them */
function versionsOf(answer: Uint8Array<ArrayBuffer>, length: number): number[] | undefined {
  const view = new DataView(answer.buffer, length);
  const versions: number[] = [];
  for (let at = 0; at < view.byteLength; at += VERSION_BYTES) {
    const high = view.getUint32(at + 4, true);
    if (high >= VERSION_IS_TAKEN) return undefined;
    versions.push(high * 2 ** 32 + view.getUint32(at, true));
  }
  return versions;
}
