import type { Credentials } from "../ports/network.ts";
import type { DidafsError } from "../std/errors.ts";
import type { Method, Params, Result } from "../wire/control.ts";

export interface RpcCallOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface AnswerWithDescriptor<M extends Method> {
  readonly result: Result<M>;
  /** The caller closes it. DESCRIPTOR_LOST: it was sent, and this process had no room for it. */
  readonly descriptor: number | undefined;
}

/** A channel as those see it who use it and do not step it: handlers, and whoever calls back. RpcChannel is one. */
export interface Channel {
  /** Who is at the other end, for messages. */
  readonly peer: string;
  /** Why the channel ended; undefined while it lives. */
  readonly ended: DidafsError | undefined;
  /** The peer has proven itself. */
  readonly admitted: boolean;
  readonly credentials: Credentials | undefined;
  /** The peer has proven itself: from now on all calls pass, and `handlers` serve it. */
  admit(handlers: Handlers): void;
  /**
   * Calls the peer and waits for the checked result. A descriptor that comes with it is closed.
   * @throws what the peer's handler raised; ERR_TIMEOUT, ERR_ABORTED, ERR_UNREACHABLE (the channel ended; ERR_AUTH or
   * ERR_VERSION where that was why), with `applied` "no" only where surely nothing was sent; ERR_TOO_MANY;
   * ERR_INVALID_ARGUMENT
   */
  call<M extends Method>(method: M, params: Params<M>, options: RpcCallOptions): Promise<Result<M>>;
  /** Like `call`, and hands over the descriptor that came with the answer. */
  callWithDescriptor<M extends Method>(
    method: M,
    params: Params<M>,
    options: RpcCallOptions,
  ): Promise<AnswerWithDescriptor<M>>;
  /** Ends the channel now; pending calls reject. */
  close(reason?: DidafsError): void;
  /** Takes in nothing more, and ends the channel once the calls under way are answered, after `limitMs` (1 s) at most. */
  closeWhenSent(reason: DidafsError, limitMs?: number): void;
}

/** What a handler knows besides the parameters. */
export interface CallContext {
  readonly channel: Channel;
  /**
   * Sends `descriptor` along with the answer (unix streams only). It must stay open until `release` is called: once,
   * when it has left or never will.
   */
  passDescriptor(descriptor: number, release: () => void): void;
}

/**
 * The calls that a side serves. Parameters are checked before a handler sees them. An error raised on purpose
 * (DidafsError) is answered with its code; any other with ERR_INTERNAL.
 */
export type Handlers = {
  readonly [M in Method]?: (params: Params<M>, context: CallContext) => Result<M> | Promise<Result<M>>;
};
