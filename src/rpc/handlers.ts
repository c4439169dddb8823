import type { Method, Params, Result } from "../wire/control.ts";
import type { RpcChannel } from "./channel.ts";

/** What a handler knows besides the parameters. */
export interface CallContext {
  readonly channel: RpcChannel;
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
