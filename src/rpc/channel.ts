import type { Clock } from "../ports/clock.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { type Credentials, DESCRIPTOR_LOST, ENDED, type Stream, WOULD_BLOCK } from "../ports/network.ts";
import { type Poller, READABLE, WRITABLE } from "../ports/poller.ts";
import { type Applied, DidafsError, isDidafsError } from "../std/errors.ts";
import type { Method, Params, Result } from "../wire/control.ts";
import {
  ANSWER_FLAG,
  answerFlags,
  beginsCommand,
  headerTag,
  isCommand,
  MAX_PAYLOAD_BYTES,
} from "../wire/header.ts";
import { parsePayload } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import type { AnswerWithDescriptor, Channel, Handlers, RpcCallOptions } from "./handlers.ts";
import { IncomingCalls } from "./incoming-calls.ts";
import { FRAMES_PER_STEP_MAX, LINGER_BYTES_MAX, LINGER_MS, STRANGER_PAYLOAD_BYTES_MAX } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { OutgoingCalls } from "./outgoing-calls.ts";

export interface ChannelOptions {
  readonly stream: Stream;
  /** Somebody else closes the stream; the channel only leaves it. */
  readonly lent?: boolean;
  readonly memory: MemoryPort;
  readonly clock: Clock;
  /** Who is at the other end, for messages. */
  readonly peer: string;
  /** What a peer may call that has not proven itself; see `admit`. */
  readonly handlers?: Handlers;
  /** Watches the stream for as long as the channel lives. */
  readonly poller?: Poller | undefined;
  readonly pollToken?: number | undefined;
  /** Closes a descriptor that came with an answer nobody waits for. Needed where the stream accepts descriptors. */
  readonly closeDescriptor?: (descriptor: number) => void;
  /** Told of errors that a handler did not raise on purpose. */
  readonly onFault?: ((error: unknown, method: string) => void) | undefined;
  readonly onEnd?: (reason: DidafsError) => void;
}

/** A channel that is closing: it answers what is open, takes nothing new, and gives the peer time to leave. */
interface Lingering {
  readonly reason: DidafsError;
  untilMs: number;
  /** The last answer has left. */
  saidAll: boolean;
  droppedBytes: number;
}

/**
 * Calls and answers over one stream, both ways. Stepped by `doWork`. Until `admit` only the handshake passes, in
 * either direction. Anything malformed ends the channel; a call that is merely wrong is answered with an error.
 */
export class RpcChannel implements Channel {
  readonly peer: string;
  readonly #options: ChannelOptions;
  readonly #stream: Stream;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #incoming: IncomingCalls;
  readonly #outgoing: OutgoingCalls;
  #interest = 0;
  /** The last step took as many frames as one may. */
  #framesLeft = false;
  #linger: Lingering | undefined;
  #ended: DidafsError | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.#stream = options.stream;
    this.#reader = new FrameReader(options.memory, STRANGER_PAYLOAD_BYTES_MAX);
    this.#outbox = new Outbox(options.memory);
    this.#incoming = new IncomingCalls(this, this.#outbox, options.handlers ?? {}, options.onFault);
    this.#outgoing = new OutgoingCalls(this.#outbox, options.peer);
    this.#watch();
  }

  get ended(): DidafsError | undefined {
    return this.#ended;
  }

  get admitted(): boolean {
    return this.#incoming.admitted;
  }

  /** Something is still to leave. */
  get sending(): boolean {
    return !this.#outbox.isEmpty;
  }

  /** When it is to be stepped though the stream is not ready for what it is watched for. */
  get dueMs(): number {
    if (this.#ended === undefined && this.#isDue()) return Number.NEGATIVE_INFINITY;
    return Math.min(this.#outgoing.dueMs, this.#linger?.untilMs ?? Number.POSITIVE_INFINITY);
  }

  /** A frame was queued since the last step, which left frames that had come, or the last call has been answered. */
  #isDue(): boolean {
    if (!this.#outbox.isEmpty) return (this.#interest & WRITABLE) === 0;
    if (this.#linger !== undefined) return !this.#linger.saidAll && this.#allAnswered();
    return this.#framesLeft;
  }

  get credentials(): Credentials | undefined {
    return this.#stream.credentials;
  }

  admit(handlers: Handlers): void {
    this.#incoming.handlers = handlers;
    this.#incoming.admitted = true;
    this.#reader.payloadBytesMax = MAX_PAYLOAD_BYTES;
  }

  async call<M extends Method>(method: M, params: Params<M>, options: RpcCallOptions): Promise<Result<M>> {
    const { result, descriptor } = await this.callWithDescriptor(method, params, options);
    this.#drop(descriptor);
    return result;
  }

  async callWithDescriptor<M extends Method>(
    method: M,
    params: Params<M>,
    options: RpcCallOptions,
  ): Promise<AnswerWithDescriptor<M>> {
    if (this.#ended !== undefined) throw this.#unreachable(this.#ended, "no");
    const deadlineMs = this.#options.clock.nowMs() + options.timeoutMs;
    const answer = await this.#outgoing.call(method, params, deadlineMs, options.signal);
    return answer as AnswerWithDescriptor<M>;
  }

  /** @returns receives, frames, sends and calls expired; 0 when there was nothing to do */
  doWork(nowMs: number): number {
    if (this.#ended !== undefined) return 0;
    let work = 0;
    try {
      work += this.#receive();
      if (this.#ended !== undefined) return work;
      // After that: what was answered in time is no timeout because this side was late to read it.
      work += this.#outgoing.expire(nowMs);
      work += this.#send();
    } catch (error) {
      if (!isDidafsError(error)) throw error;
      this.close(error);
      return work + 1;
    }
    if (this.#linger !== undefined && this.#lingered(this.#linger, nowMs)) {
      this.close(this.#linger.reason);
      return work + 1;
    }
    this.#watch();
    return work;
  }

  /**
   * Closing while the peer still sends would take from it the answers that it has not read yet: they get there, and it is
   * told that nothing follows, and then it leaves by itself.
   * @returns whether it is time to close
   */
  #lingered(linger: Lingering, nowMs: number): boolean {
    if (nowMs >= linger.untilMs || linger.droppedBytes > LINGER_BYTES_MAX) return true;
    if (linger.saidAll || !this.#allAnswered()) return false;
    // The stream's owner goes on with it.
    if (this.#options.lent === true) return true;
    linger.saidAll = true;
    linger.untilMs = Math.min(linger.untilMs, nowMs + LINGER_MS);
    this.#stream.endSending();
    return false;
  }

  close(reason: DidafsError = new DidafsError("ERR_CLOSED", "closed here")): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#options.poller?.unwatch(this.#stream);
    if (this.#options.lent !== true) this.#stream.close();
    this.#outgoing.rejectAll((applied) => this.#unreachable(reason, applied));
    this.#outbox.close();
    this.#reader.close();
    this.#options.onEnd?.(reason);
  }

  closeWhenSent(reason: DidafsError, limitMs: number = LINGER_MS): void {
    const untilMs = this.#options.clock.nowMs() + limitMs;
    this.#linger ??= { reason, untilMs, saidAll: false, droppedBytes: 0 };
  }

  #receive(): number {
    if (this.#linger !== undefined) return this.#receiveInVain(this.#linger);
    const before = this.#reader.receiveCount;
    let frames = 0;
    while (frames < FRAMES_PER_STEP_MAX && this.#linger === undefined && this.#ended === undefined) {
      const payload = this.#nextPayload();
      if (payload === WOULD_BLOCK) break;
      if (payload === ENDED) throw new DidafsError("ERR_UNREACHABLE", "the connection was closed");
      frames += 1;
      const header = this.#reader.header;
      if (isCommand(header, 0)) this.#incoming.take(headerTag(header, 0), parsePayload(payload));
      else this.#takeAnswer(header, payload);
    }
    this.#framesLeft = frames === FRAMES_PER_STEP_MAX;
    return frames + this.#reader.receiveCount - before;
  }

  #receiveInVain(linger: Lingering): number {
    const count = this.#reader.drop(this.#stream);
    if (count === ENDED) throw linger.reason;
    if (count === WOULD_BLOCK) return 0;
    linger.droppedBytes += count;
    return 1;
  }

  #nextPayload(): Uint8Array | typeof WOULD_BLOCK | typeof ENDED {
    try {
      return this.#reader.next(this.#stream);
    } catch (error) {
      if (!isDidafsError(error, "ERR_VERSION") || !beginsCommand(this.#reader.header, 0)) throw error;
      // Said in our version: from it a caller of another version sees that, and how, the versions differ.
      this.#incoming.refuse(headerTag(this.#reader.header, 0), error);
      this.closeWhenSent(error);
      return WOULD_BLOCK;
    }
  }

  #takeAnswer(header: Int32Array, payload: Uint8Array): void {
    let descriptor: number | undefined;
    if (answerFlags(header, 0) & ANSWER_FLAG.DESCRIPTOR) {
      descriptor = this.#stream.takeDescriptor();
      if (descriptor === undefined) {
        throw new DidafsError("ERR_PROTOCOL", "an answer names a descriptor that did not come");
      }
    }
    let taken = false;
    try {
      taken = this.#outgoing.takeAnswer(header, payload, descriptor);
    } finally {
      if (!taken) this.#drop(descriptor);
    }
  }

  #drop(descriptor: number | undefined): void {
    if (descriptor === undefined || descriptor === DESCRIPTOR_LOST) return;
    this.#options.closeDescriptor?.(descriptor);
  }

  #send(): number {
    const sent = this.#outbox.flush(this.#stream);
    if (sent === ENDED) throw new DidafsError("ERR_UNREACHABLE", "the connection was closed");
    return sent;
  }

  /** A call counts as open until its answer has left. */
  #allAnswered(): boolean {
    return this.#incoming.openCount === 0 && this.#outbox.isEmpty;
  }

  #watch(): void {
    const interest = this.#outbox.isEmpty ? READABLE : READABLE | WRITABLE;
    if (interest === this.#interest) return;
    this.#interest = interest;
    this.#options.poller?.watch(this.#stream, interest, this.#options.pollToken ?? 0);
  }

  /** What calls learn of the end: that the peer is out of reach, or why trying again cannot help. */
  #unreachable(cause: DidafsError, applied: Applied): DidafsError {
    const code = isDidafsError(cause, "ERR_VERSION", "ERR_AUTH") ? cause.code : "ERR_UNREACHABLE";
    return new DidafsError(code, `${this.peer} cannot be reached: ${cause.message}`, { applied, cause });
  }
}
