import * as v from "valibot";
import { type Applied, DidafsError } from "../std/errors.ts";
import { CALLS, type Method, type Params } from "../wire/control.ts";
import { answerStatus, headerTag } from "../wire/header.ts";
import { failureOf } from "./failure.ts";
import { commandFrame, parsePayload } from "./frame.ts";
import { CALLS_IN_FLIGHT_MAX, CALLS_WAITING_MAX } from "./limits.ts";
import type { Outbox } from "./outbox.ts";
import { appliedOf, type PendingCall, PendingCalls } from "./pending-calls.ts";

interface RawAnswer {
  readonly result: unknown;
  readonly descriptor: number | undefined;
}

/** The calls that this side makes: sends as many as may be in flight, and settles each exactly once. */
export class OutgoingCalls {
  readonly #pending = new PendingCalls();
  readonly #outbox: Outbox;
  readonly #peer: string;

  constructor(outbox: Outbox, peer: string) {
    this.#outbox = outbox;
    this.#peer = peer;
  }

  /** @throws (rejects) as Channel.call says */
  call<M extends Method>(
    method: M,
    params: Params<M>,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw abortedError(method, "no", signal);
      if (this.#pending.waitingCount >= CALLS_WAITING_MAX) {
        throw new DidafsError("ERR_TOO_MANY", `${CALLS_WAITING_MAX} calls already wait for ${this.#peer}`);
      }
      const tag = this.#pending.newTag();
      const bytes = commandFrame(tag, { method, params });
      if (bytes === undefined) {
        throw new DidafsError("ERR_INVALID_ARGUMENT", `${method}: the parameters exceed a message`);
      }
      const onAbort = () => this.#giveUp(call, abortedError(method, appliedOf(call), signal));
      const settled = () => signal?.removeEventListener("abort", onAbort);
      const call: PendingCall = {
        tag,
        method,
        deadlineMs,
        bytes,
        frame: undefined,
        resolve,
        reject,
        settled,
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#pending.addWaiting(call);
      this.#launch();
    });
  }

  /**
   * Settles the call that an answer belongs to.
   * @returns false when nobody waits for it any more, and its descriptor is to be closed
   * @throws ERR_PROTOCOL for an answer without a call or of a wrong shape; the call is settled even then
   */
  takeAnswer(header: Int32Array, payload: Uint8Array, descriptor: number | undefined): boolean {
    const call = this.#pending.takeAnswered(headerTag(header, 0));
    if (call === undefined) throw new DidafsError("ERR_PROTOCOL", "an answer to a call that was never made");
    this.#launch();
    if (call === "given up") return false;
    call.settled();
    let outcome: { readonly result: unknown } | { readonly failure: DidafsError };
    try {
      outcome = checkedOutcome(call.method, answerStatus(header, 0), parsePayload(payload));
    } catch (error) {
      call.reject(error as DidafsError);
      throw error;
    }
    if ("failure" in outcome) call.reject(outcome.failure);
    else call.resolve({ result: outcome.result, descriptor });
    return !("failure" in outcome);
  }

  /** When `expire` may have something to do. */
  get dueMs(): number {
    return this.#pending.dueMs;
  }

  /** @returns how many calls were given up because their deadline has passed */
  expire(nowMs: number): number {
    const overdue = this.#pending.overdue(nowMs);
    for (const call of overdue) {
      const message = `${this.#peer} did not answer ${call.method} in time`;
      this.#giveUp(call, new DidafsError("ERR_TIMEOUT", message, { applied: appliedOf(call) }));
    }
    return overdue.length;
  }

  /** Rejects every call with what `errorOf` makes of how far it came. */
  rejectAll(errorOf: (applied: Applied) => DidafsError): void {
    for (const call of this.#pending.all()) {
      this.#pending.drop(call, false);
      call.settled();
      call.reject(errorOf(appliedOf(call)));
    }
  }

  #launch(): void {
    while (this.#pending.inFlightCount < CALLS_IN_FLIGHT_MAX) {
      const call = this.#pending.launch();
      if (call === undefined) return;
      call.frame = this.#outbox.push(call.bytes);
    }
  }

  #giveUp(call: PendingCall, error: DidafsError): void {
    const unsent = call.frame === undefined || this.#outbox.withdraw(call.frame);
    this.#pending.drop(call, !unsent);
    call.settled();
    call.reject(error);
    this.#launch();
  }
}

function checkedOutcome(
  method: Method,
  status: number,
  message: unknown,
): { readonly result: unknown } | { readonly failure: DidafsError } {
  if (status !== 0) {
    const failure = failureOf(status, message);
    if (failure !== undefined) return { failure };
    throw malformed(method, "an error without a message");
  }
  const parsed = v.safeParse(CALLS[method][1], message);
  if (parsed.success) return { result: parsed.output };
  const [issue] = parsed.issues;
  throw malformed(method, `"${v.getDotPath(issue) ?? "result"}": ${issue.message}`);
}

function malformed(method: Method, what: string): DidafsError {
  return new DidafsError("ERR_PROTOCOL", `the answer to ${method} is malformed: ${what}`, {
    applied: "unknown",
  });
}

function abortedError(method: Method, applied: Applied, signal: AbortSignal | undefined): DidafsError {
  return new DidafsError("ERR_ABORTED", `${method} was aborted by its signal`, {
    applied,
    cause: signal?.reason,
  });
}
