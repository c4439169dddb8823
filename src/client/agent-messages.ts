/** What the thread of the windows and the agent thread of one origin say to each other. */
import type { ErrorCode, ErrorDetails } from "../std/errors.ts";
import type { Endpoint, Method, OpenFile, Params, Result } from "../wire/control.ts";
import type { EpochSession } from "../wire/epoch-name.ts";
import type { Transport } from "./api.ts";
import type { LockCycle } from "./lock-cycle.ts";

/** Calls that go to the metadata service as they are. */
export type MetaMethod = Extract<Method, `meta.${string}`>;

export interface BindRequest {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly window: Omit<Params<"window.bind">, "direct">;
}

export interface BindReply {
  readonly session: {
    /** The agent's number for it. */
    readonly id: number;
    readonly state: SharedArrayBuffer;
    readonly target: string;
    /** The target's number for it, and the secret, for HELLO. */
    readonly number: number;
    readonly token: Uint8Array;
    /** What epochs are named after that the target decides. */
    readonly epochs: EpochSession;
  };
  /** The binding's own state word: it ends with the session, or when the binding is revoked. */
  readonly state: SharedArrayBuffer;
  readonly path: "unix" | "tcp";
  readonly connection: { readonly id: number; readonly descriptor: number };
  readonly bound: Result<"window.bind">;
  /** The region's descriptor where `bound.direct`; the receiver closes it. */
  readonly descriptor: number | undefined;
}

/** The memory where the lines of a mapped region are counted (structs/line-counts.ts). */
export interface LinesReply {
  readonly entries: number;
  /** The receiver closes it. */
  readonly descriptor: number;
}

/** The board of a region that is mapped for storing (structs/notice-board.ts). */
export interface BoardReply {
  /** Undefined where there is no board for this window. */
  readonly lane: number | undefined;
  /** The receiver closes it. */
  readonly descriptor: number | undefined;
}

/** Calls of the main thread, by kind: what goes in and what comes out. */
export interface AgentCalls {
  /** Attaches to the metadata service. */
  readonly connect: { in: null; out: { id: string; originKey: string } };
  /** Opens a stream to the metadata service on which the main thread makes its calls. */
  readonly stream: { in: null; out: { connection: { id: number; descriptor: number } } };
  readonly bind: { in: BindRequest; out: BindReply };
  /** A session with that target, whether it has windows or not. */
  readonly session: { in: Omit<BindRequest, "window">; out: BindReply["session"] };
  /** A data stream to that worker, beside the one for its windows: for what epochs say there. */
  readonly epochs: {
    in: { session: number; worker: number };
    out: { connection: { id: number; descriptor: number } };
  };
  /** Of a window that is mapped. */
  readonly lines: { in: { session: number; handle: number }; out: LinesReply };
  /** Of a window that is mapped for storing. */
  readonly board: { in: { session: number; handle: number; make: boolean }; out: BoardReply };
  readonly unbind: { in: { session: number; handle: number }; out: null };
  /** Who waited for whom when a wait of the session was ended with ERR_DEADLOCK. */
  readonly cycle: { in: { session: number }; out: LockCycle };
}

export type AgentCall = keyof AgentCalls;

export type ToAgent =
  | {
      readonly kind: "call";
      readonly id: number;
      readonly call: AgentCall;
      readonly input: unknown;
      readonly timeoutMs: number;
    }
  /** The caller has given up on call `id`. */
  | { readonly kind: "cancel"; readonly id: number }
  /** Say `ready` once the connection can be read, or written where `writable`. */
  | { readonly kind: "arm"; readonly connection: number; readonly writable: boolean }
  /** A data connection of the session has ended; so does the session, for only a new one gets new connections. */
  | { readonly kind: "end"; readonly session: number }
  /** The main thread has given back all that it had mapped in a session that is lost. */
  | { readonly kind: "detached"; readonly session: number }
  /** The main thread has opened a file with the metadata service. */
  | { readonly kind: "opened"; readonly file: OpenFile }
  /** As many openings have ended as there are numbers. */
  | { readonly kind: "closed"; readonly inodes: readonly number[] }
  /** The connection is not used any more. */
  | { readonly kind: "drop"; readonly connection: number }
  | { readonly kind: "stop" };

export type FromAgent =
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | {
      readonly kind: "failure";
      readonly id: number;
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: ErrorDetails;
    }
  | { readonly kind: "ready"; readonly connection: number }
  /** The session has ended; its state word says so already. */
  | { readonly kind: "lost"; readonly session: number; readonly connections: readonly number[] }
  /** The session has lost these windows; their state words say so already. */
  | { readonly kind: "revoked"; readonly session: number; readonly handles: readonly number[] }
  | { readonly kind: "stopped" };
