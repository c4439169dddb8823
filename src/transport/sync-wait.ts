import { BLOCK, IdleStrategy, YIELD } from "./idle-strategy.ts";
import type { RemoteLink } from "./remote-link.ts";

const SPIN_ROUNDS = 200;
const YIELD_ROUNDS = 2000;
/** Polls before the deadline begins, with or without progress: a target may trickle for ever. */
const UNTIMED_ROUNDS = SPIN_ROUNDS + YIELD_ROUNDS;
/** Longest single wait in the kernel, so that a session's end is seen in time. */
const WAIT_MS = 20;
/** The same, while bytes wait for room in a socket, or several streams may go on. */
const SHORT_WAIT_MS = 1;

/** How the Sync forms wait: the calling thread polls, then gives the processor away, then blocks. */
export class SyncWait {
  readonly #links: readonly RemoteLink[];
  readonly #idle = new IdleStrategy(SPIN_ROUNDS, YIELD_ROUNDS);

  /** @param links at least one; they may become more */
  constructor(links: readonly RemoteLink[]) {
    this.#links = links;
  }

  /** Polls until `what` has settled. @returns false when it has not within about `timeoutMs` */
  until(what: { readonly settled: boolean }, timeoutMs: number): boolean {
    // Most answers come before the deadline begins, so that the fast path reads no clock.
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (let round = 0; !what.settled; round += 1) {
      const moved = this.#poll();
      if (what.settled) break;
      const step = this.#idle.next(moved);
      if (step === BLOCK || round >= UNTIMED_ROUNDS) {
        const nowMs = this.#link.clock.nowMs();
        if (deadlineMs === Number.POSITIVE_INFINITY) deadlineMs = nowMs + timeoutMs;
        if (nowMs >= deadlineMs) return false;
        if (moved === 0) this.#block(deadlineMs - nowMs);
      } else if (step === YIELD) this.#yield();
    }
    this.#idle.next(1);
    return true;
  }

  get #link(): RemoteLink {
    return this.#links[0] as RemoteLink;
  }

  #poll(): number {
    let moved = 0;
    for (let i = 0; i < this.#links.length; i += 1) {
      const { connection, session } = this.#links[i] as RemoteLink;
      moved += connection.poll();
      if (session.isLost) connection.end();
    }
    return moved;
  }

  #yield(): void {
    const { clock, idler } = this.#link;
    const fromMs = clock.nowMs();
    idler.yield();
    this.#idle.yielded(clock.nowMs() - fromMs);
  }

  #block(leftMs: number): void {
    const waiting = this.#links.filter(({ connection }) => connection.outstanding > 0);
    const [{ connection, idler }] = [waiting[0] ?? this.#link];
    const short = waiting.length > 1 || connection.sending;
    idler.waitReadable(connection.stream, Math.min(leftMs, short ? SHORT_WAIT_MS : WAIT_MS));
  }
}
