import { isMainThread } from "node:worker_threads";
import { type Poller, READABLE } from "../ports/poller.ts";
import { WAIT_MS } from "./loop.ts";

/** All that such a poller watches is looked at whenever it reports something. */
const TOKEN = 0;
/** Longest wait where an order of the parent, which comes to the event loop, ends none. */
const UNWATCHED_WAIT_MS = 200;

/**
 * Has the parent's orders, and its end, end the waits of a service's poller: the channel that brings them to the event loop
 * is a socket, which a second poller may watch too. A service that is a thread has no such socket.
 * @returns the longest wait of the service's loop, in ms
 */
export function watchOrders(poller: Poller): number {
  // Node has it, its types do not.
  const channel = process.channel as { readonly fd?: number } | undefined;
  const descriptor = isMainThread ? channel?.fd : undefined;
  if (typeof descriptor !== "number" || descriptor < 0) return UNWATCHED_WAIT_MS;
  poller.watch({ descriptor }, READABLE, TOKEN);
  return WAIT_MS;
}
