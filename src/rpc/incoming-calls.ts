import * as v from "valibot";
import { DidafsError } from "../std/errors.ts";
import { CALLS, type Method } from "../wire/control.ts";
import { failedAnswer } from "./failure.ts";
import { answerFrame } from "./frame.ts";
import type { CallContext, Channel, Handlers } from "./handlers.ts";
import { CALLS_IN_FLIGHT_MAX } from "./limits.ts";
import type { Outbox } from "./outbox.ts";

const STRANGER_METHODS: readonly string[] = ["hello", "prove"] satisfies Method[];

const CallMessage = v.object({ method: v.string(), params: v.unknown() });

interface PassedDescriptor {
  descriptor: number | undefined;
  release: (() => void) | undefined;
}

/** The calls that the peer makes: checks, dispatches and answers them. */
export class IncomingCalls {
  handlers: Handlers;
  admitted = false;
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #onFault: ((error: unknown, method: string) => void) | undefined;
  #openCount = 0;

  constructor(
    channel: Channel,
    outbox: Outbox,
    handlers: Handlers,
    onFault: ((error: unknown, method: string) => void) | undefined,
  ) {
    this.#channel = channel;
    this.#outbox = outbox;
    this.handlers = handlers;
    this.#onFault = onFault;
  }

  /** Calls whose answer has not left. */
  get openCount(): number {
    return this.#openCount;
  }

  /** @throws ERR_PROTOCOL for what is no call, and for one more than may be in flight */
  take(tag: number, message: unknown): void {
    const parsed = v.safeParse(CallMessage, message);
    if (!parsed.success) throw new DidafsError("ERR_PROTOCOL", "a call names no method");
    if (this.#openCount >= CALLS_IN_FLIGHT_MAX) {
      throw new DidafsError("ERR_PROTOCOL", `more than ${CALLS_IN_FLIGHT_MAX} calls in flight`);
    }
    const { method, params } = parsed.output;
    const passed: PassedDescriptor = { descriptor: undefined, release: undefined };
    this.#openCount += 1;
    const succeed = (result: unknown) => this.#answer(tag, 0, result, passed);
    const fail = (error: unknown) => {
      passed.release?.();
      const { status, payload, isFault } = failedAnswer(error);
      if (isFault) this.#onFault?.(error, method);
      this.#answer(tag, status, payload, undefined);
    };
    try {
      const result = this.#dispatch(method, params, passed);
      if (result instanceof Promise) result.then(succeed).catch(fail);
      else succeed(result);
    } catch (error) {
      fail(error);
    }
  }

  /** Answers a call that was not understood. */
  refuse(tag: number, error: DidafsError): void {
    const { status, payload } = failedAnswer(error);
    this.#openCount += 1;
    this.#answer(tag, status, payload, undefined);
  }

  #dispatch(method: string, params: unknown, passed: PassedDescriptor): unknown {
    if (!this.admitted && !STRANGER_METHODS.includes(method)) {
      throw new DidafsError("ERR_AUTH", `${method}: prove the cluster's key first`);
    }
    const known = Object.hasOwn(CALLS, method) && Object.hasOwn(this.handlers, method);
    if (!known) throw new DidafsError("ERR_NOT_SUPPORTED", `there is no call "${method}" here`);
    const parsed = v.safeParse(CALLS[method as Method][0], params);
    if (!parsed.success) {
      const [issue] = parsed.issues;
      const field = v.getDotPath(issue) ?? "params";
      throw new DidafsError("ERR_INVALID_ARGUMENT", `${method}: "${field}": ${issue.message}`);
    }
    const context: CallContext = {
      channel: this.#channel,
      passDescriptor: (descriptor, release) => Object.assign(passed, { descriptor, release }),
    };
    // The table pairs each method with a handler of its shape; the checker cannot follow that through a string.
    const handler = this.handlers[method as Method] as (params: unknown, context: CallContext) => unknown;
    return handler(parsed.output, context);
  }

  #answer(tag: number, status: number, value: unknown, passed: PassedDescriptor | undefined): void {
    const descriptor = passed?.descriptor;
    const bytes = answerFrame(tag, status, value, descriptor !== undefined);
    if (bytes === undefined) throw new Error("the answer is longer than a message may be");
    const gone = () => {
      passed?.release?.();
      this.#openCount -= 1;
    };
    // The channel may have ended while the handler was at work.
    if (this.#channel.ended === undefined) this.#outbox.push(bytes, descriptor, gone);
    else gone();
  }
}
