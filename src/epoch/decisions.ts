import { type EpochName, nameKey, type Participant, participantKey } from "../wire/epoch-name.ts";

/** Between two times that somebody is asked. */
export const ASK_AGAIN_MS = 1000;
/** The same, of those who are never heard of: origins choose who takes part, and there may be no such target. */
const ASK_AGAIN_MS_MAX = 60_000;

export interface Decision {
  readonly name: EpochName;
  /** Who has not finished it. */
  readonly open: Map<string, Participant>;
  /** When these are asked next. */
  askMs: number;
  /** Until they are asked once more after that. */
  againMs: number;
}

/** What was committed here, until all that take part have finished it: what is not here was not committed. */
export class Decisions {
  readonly #byName = new Map<string, Decision>();

  get count(): number {
    return this.#byName.size;
  }

  has(name: EpochName): boolean {
    return this.#byName.has(nameKey(name));
  }

  /**
   * Where nobody is to finish it there is nothing to remember.
   * @param others who are to finish it
   * @param askMs when to ask them, if they have not said that they have by then
   */
  add(name: EpochName, others: readonly Participant[], askMs: number): void {
    if (others.length === 0) return;
    const open = new Map(others.map((participant) => [participantKey(participant), participant]));
    this.#byName.set(nameKey(name), { name, open, askMs, againMs: ASK_AGAIN_MS });
  }

  /** @returns whether all have now finished it */
  acknowledged(name: EpochName, participant: Participant): boolean {
    const decision = this.#byName.get(nameKey(name));
    if (decision === undefined) return false;
    decision.open.delete(participantKey(participant));
    if (decision.open.size > 0) return false;
    this.#byName.delete(nameKey(name));
    return true;
  }

  open(): Iterable<Readonly<Decision>> {
    return this.#byName.values();
  }

  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const { askMs } of this.#byName.values()) dueMs = Math.min(dueMs, askMs);
    return dueMs;
  }

  /** Calls `ask` for all who are to be asked now. */
  forDue(nowMs: number, ask: (name: EpochName, participant: Participant) => void): void {
    for (const decision of this.#byName.values()) {
      if (nowMs < decision.askMs) continue;
      decision.askMs = nowMs + decision.againMs;
      decision.againMs = Math.min(2 * decision.againMs, ASK_AGAIN_MS_MAX);
      for (const participant of decision.open.values()) ask(decision.name, participant);
    }
  }
}
