import type { Mailbox } from "../ports/mailbox.ts";
import type { Turns } from "../ports/turns.ts";
import { DidafsError } from "../std/errors.ts";
import type { CallLimits } from "../transport/call-limits.ts";
import type {
  AgentCall,
  AgentCalls,
  BindReply,
  BoardReply,
  FromAgent,
  LinesReply,
  ToAgent,
} from "./agent-messages.ts";

/** The agent says itself when a call is late; this much later the main thread stops believing in the agent. */
const GRACE_MS = 1000;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What the agent tells of its own accord. */
export interface AgentEvents {
  ready(connection: number): void;
  lost(session: number, connections: readonly number[]): void;
  revoked(session: number, handles: readonly number[]): void;
  /** The answer to a `bind` whose caller has given up. */
  orphan(reply: BindReply): void;
  /** One that came with the answer to a `lines` or `board` whose caller has. */
  orphanDescriptor(descriptor: number): void;
}

/** The main thread's end of the talk with the agent thread. */
export class AgentLink {
  readonly #mailbox: Mailbox<ToAgent, FromAgent>;
  readonly #turns: Turns;
  readonly #events: AgentEvents;
  /** Told when the first call begins and when the last one ends, so that a program may end while nothing is awaited. */
  readonly #busy: (busy: boolean) => void;
  readonly #pending = new Map<number, Pending>();
  /** Calls that nobody waits for, whose answers bring something that is to be given back. */
  readonly #abandoned = new Map<number, "bind" | "lines" | "board">();
  #nextId = 1;
  #stopped: Error | undefined;

  constructor(
    mailbox: Mailbox<ToAgent, FromAgent>,
    turns: Turns,
    busy: (busy: boolean) => void,
    events: AgentEvents,
  ) {
    this.#mailbox = mailbox;
    this.#turns = turns;
    this.#busy = busy;
    this.#events = events;
  }

  call<C extends AgentCall>(
    call: C,
    input: AgentCalls[C]["in"],
    limits: CallLimits,
  ): Promise<AgentCalls[C]["out"]> {
    const { signal, timeoutMs } = limits;
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    if (signal?.aborted === true) return Promise.reject(aborted(signal, "no"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.#pending.delete(id);
        if (this.#pending.size === 0) this.#busy(false);
        cancelTimer();
        signal?.removeEventListener("abort", onAbort);
      };
      const giveUp = (error: Error): void => {
        finish();
        if (call === "bind" || call === "lines" || call === "board") this.#abandoned.set(id, call);
        this.#mailbox.post({ kind: "cancel", id });
        reject(error);
      };
      const onAbort = (): void => giveUp(aborted(signal as AbortSignal, "unknown"));
      // Of a bind the agent waits for the target's answer, however late.
      const graceMs = call === "bind" ? 0 : GRACE_MS;
      const cancelTimer = this.#turns.after(timeoutMs + graceMs, () =>
        giveUp(
          new DidafsError("ERR_TIMEOUT", `no answer within ${Math.ceil(timeoutMs)} ms`, {
            applied: "unknown",
          }),
        ),
      );
      signal?.addEventListener("abort", onAbort, { once: true });
      if (this.#pending.size === 0) this.#busy(true);
      this.#pending.set(id, {
        resolve: (result) => {
          finish();
          resolve(result as AgentCalls[C]["out"]);
        },
        reject: (error) => {
          finish();
          reject(error);
        },
      });
      this.#mailbox.post({ kind: "call", id, call, input, timeoutMs });
    });
  }

  post(message: ToAgent): void {
    this.#mailbox.post(message);
  }

  /** Posts what the agent need not be woken for. */
  leave(message: ToAgent): void {
    this.#mailbox.leave(message);
  }

  /** Takes one message of the agent. */
  take(message: FromAgent): void {
    switch (message.kind) {
      case "result":
        this.#takeResult(message.id, message.result);
        break;
      case "failure":
        this.#abandoned.delete(message.id);
        this.#pending
          .get(message.id)
          ?.reject(new DidafsError(message.code, message.message, message.details));
        break;
      case "ready":
        this.#events.ready(message.connection);
        break;
      case "lost":
        this.#events.lost(message.session, message.connections);
        break;
      case "revoked":
        this.#events.revoked(message.session, message.handles);
        break;
      case "stopped":
        this.fail(new DidafsError("ERR_CLOSED", "the cluster is closed"));
        break;
    }
  }

  #takeResult(id: number, result: unknown): void {
    const abandoned = this.#abandoned.get(id);
    this.#abandoned.delete(id);
    if (abandoned === "bind") this.#events.orphan(result as BindReply);
    else if (abandoned !== undefined) {
      const { descriptor } = result as LinesReply | BoardReply;
      if (descriptor !== undefined) this.#events.orphanDescriptor(descriptor);
    } else this.#pending.get(id)?.resolve(result);
  }

  /** Ends every call under way, and every later one, with `error`. */
  fail(error: Error): void {
    this.#stopped ??= error;
    for (const pending of [...this.#pending.values()]) pending.reject(error);
  }
}

function aborted(signal: AbortSignal, applied: "no" | "unknown"): DidafsError {
  return new DidafsError("ERR_ABORTED", "the call was aborted by its signal", {
    applied,
    cause: signal.reason,
  });
}
