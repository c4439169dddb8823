import type { Poller } from "../ports/poller.ts";
import type { Agent } from "./agent.ts";

/** The agents of one process, on one thread and one poller: one for each cluster that the process is connected to. */
export class AgentHost {
  readonly #poller: Poller;
  readonly #agents = new Set<Agent>();
  #lastId = 0;

  constructor(poller: Poller) {
    this.#poller = poller;
  }

  /** Numbers for sessions and streams; streams of all agents share the poller's tokens. */
  readonly newId = (): number => {
    this.#lastId += 1;
    return this.#lastId;
  };

  add(agent: Agent): void {
    this.#agents.add(agent);
  }

  /** The agents' promises all wait for sockets, so the loop may block. */
  busy(): boolean {
    return false;
  }

  /** When an agent is to be stepped though nothing came. */
  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const agent of this.#agents) dueMs = Math.min(dueMs, agent.dueMs());
    return dueMs;
  }

  doWork(nowMs: number): number {
    // Looking at the poller comes first: it takes a wake away, and the mail that the wake stood for is read below.
    let work = this.#reportReady();
    for (const agent of this.#agents) {
      work += agent.doWork(nowMs);
      if (agent.stopped) this.#agents.delete(agent);
    }
    return work;
  }

  #reportReady(): number {
    const count = this.#poller.wait(0);
    let reported = 0;
    for (let i = 0; i < count; i++) {
      for (const agent of this.#agents) reported += agent.streamReady(this.#poller.ready[i] as number);
    }
    return reported;
  }
}
