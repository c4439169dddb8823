import type { Listener, Stream } from "../ports/network.ts";
import { type Poller, READABLE } from "../ports/poller.ts";
import { Strangers } from "../rpc/strangers.ts";
import type { Connection } from "./connection.ts";

/** Tokens of the listeners in the poller; those of connections are above. */
const TCP_LISTENER = 0;
const UNIX_LISTENER = 1;
export const LISTENERS = 2;

/** Connections of one worker that have proven their session. */
export const ADMITTED_MAX = 4096;
/** How often it is looked who has stayed too long without having proven a session. */
const SWEEP_MS = 1000;

/**
 * Taking in a connection, and getting rid of it, costs a worker about as much as a hundred commands. So a crowd at the
 * door gets a tenth of its time, and waits in the kernel meanwhile.
 */
const ACCEPTS_PER_MS = 2;
/** Taken in at once after a quiet time. */
const ACCEPTS_AT_ONCE = 64;
/** How long the door stays shut after that. */
const PAUSE_MS = 4;
/** And when the process has no descriptors left. */
const STARVED_MS = 100;

/** What the entrance asks of its worker. */
export interface Entered {
  openConnection(stream: Stream, isUnix: boolean): Connection;
  closeConnection(connection: Connection): void;
}

/** Where connections come in: no faster than leaves the worker to those inside, and nobody stays who proves nothing. */
export class Entrance {
  readonly #poller: Poller;
  readonly #listeners: readonly [Listener, Listener];
  readonly #entered: Entered;
  readonly #strangers = new Strangers<Connection>();
  #admittedCount = 0;
  #accepts = ACCEPTS_AT_ONCE;
  #countedMs = 0;
  #sweptMs = 0;
  /** While the listeners are not watched. */
  #shutUntilMs: number | undefined;
  #closed = false;

  constructor(poller: Poller, tcp: Listener, unix: Listener, entered: Entered) {
    this.#poller = poller;
    this.#listeners = [tcp, unix];
    this.#entered = entered;
    this.#watch();
  }

  get connectionCount(): number {
    return this.#admittedCount + this.#strangers.count;
  }

  /** Takes in what waits at the listener of that token. */
  accept(token: number, nowMs: number): void {
    if (this.#shutUntilMs !== undefined) return;
    const listener = this.#listeners[token as 0 | 1];
    const earned = (nowMs - this.#countedMs) * ACCEPTS_PER_MS;
    this.#accepts = Math.min(ACCEPTS_AT_ONCE, this.#accepts + earned);
    this.#countedMs = nowMs;
    while (this.#accepts >= 1) {
      const stream = listener.accept();
      if (listener.starved) this.#shut(nowMs + STARVED_MS);
      if (stream === undefined) return;
      this.#accepts -= 1;
      const tooMany = this.#strangers.came(
        this.#entered.openConnection(stream, token === UNIX_LISTENER),
        nowMs,
      );
      if (tooMany !== undefined) this.#entered.closeConnection(tooMany);
    }
    this.#shut(nowMs + PAUSE_MS);
  }

  /** @returns false when there is no place for it */
  admit(connection: Connection): boolean {
    if (this.#admittedCount >= ADMITTED_MAX) return false;
    this.#strangers.delete(connection);
    this.#admittedCount += 1;
    return true;
  }

  /** Told of each connection that is closed. */
  left(connection: Connection): void {
    if (!this.#strangers.delete(connection)) this.#admittedCount -= 1;
  }

  /** Opens the door again when it is time, and closes connections that never proved their session. */
  doWork(nowMs: number): void {
    if (this.#strangers.count > 0 && nowMs - this.#sweptMs >= SWEEP_MS) this.#sweep(nowMs);
    if (this.#shutUntilMs === undefined || nowMs < this.#shutUntilMs) return;
    this.#shutUntilMs = undefined;
    this.#watch();
  }

  /** @returns how long the worker may sleep of `timeoutMs` */
  waitMs(timeoutMs: number): number {
    if (this.#shutUntilMs !== undefined) return Math.min(timeoutMs, PAUSE_MS);
    return this.#strangers.count > 0 ? Math.min(timeoutMs, SWEEP_MS) : timeoutMs;
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    const strangers = this.#strangers;
    for (let one = strangers.overdue(nowMs); one !== undefined; one = strangers.overdue(nowMs)) {
      this.#entered.closeConnection(one);
    }
  }

  /** Takes in nobody any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#shutUntilMs = undefined;
    for (const listener of this.#listeners) {
      this.#poller.unwatch(listener);
      listener.close();
    }
  }

  #shut(untilMs: number): void {
    this.#shutUntilMs = untilMs;
    for (const listener of this.#listeners) this.#poller.unwatch(listener);
  }

  #watch(): void {
    const [tcp, unix] = this.#listeners;
    this.#poller.watch(tcp, READABLE, TCP_LISTENER);
    this.#poller.watch(unix, READABLE, UNIX_LISTENER);
  }
}
