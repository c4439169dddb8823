import type { Clock, Idler } from "../ports/clock.ts";
import type { MemoryPort } from "../ports/memory.ts";
import type { DataConnection } from "./data-connection.ts";
import type { Pump } from "./pump.ts";
import type { SessionState } from "./session-state.ts";
import type { Turnstile } from "./turnstile.ts";

/** What all bindings of one session at one worker share. */
export interface RemoteLink {
  readonly connection: DataConnection;
  readonly session: SessionState;
  readonly pump: Pump;
  readonly clock: Clock;
  readonly idler: Idler;
  readonly memory: MemoryPort;
  /** For accesses that notify: they may wait for whoever is told, and what that one asks needs places on the connection too. */
  readonly notifying: Turnstile;
}
