import type { Dice } from "../dice.ts";
import type { EpochPart, EpochWho } from "./epoch-payload.ts";
import { KnownGroups } from "./group-frames.ts";

/** Names that are kept to be used again. */
const RECENT_MAX = 24;
/** Nobody is that. */
const NOBODY: EpochPart = { target: "ee".repeat(16), worker: 1 };

/** A name, and whether other connections of the session may say something of that epoch. */
export interface KnownName {
  readonly who: EpochWho;
  readonly owner: object;
  readonly isShared: boolean;
}

/** What the connections of one session call their epochs, and who is who to epochs. */
export class EpochNames {
  readonly session: number;
  /** The worker that is attacked. */
  readonly self: EpochPart;
  /** What names of epochs begin with that this session has decided there. */
  readonly #of: Omit<EpochWho, "sequence">;
  /** They belong to somebody who does nothing wrong, and is told of every epoch what becomes of it. */
  readonly isPeaceful: boolean;
  /** Groups that the same connections are in. */
  readonly groups = new KnownGroups();
  #sequence = 0;
  readonly #recent: KnownName[] = [];

  constructor(of: Omit<EpochWho, "sequence">, target: string, isPeaceful: boolean) {
    this.isPeaceful = isPeaceful;
    this.session = of.session;
    this.self = { target, worker: 0 };
    this.#of = of;
  }

  /** @param isShared others may finish it meanwhile, so it comes in one message */
  next(owner: object, isShared: boolean): EpochWho {
    this.#sequence += 1;
    const who = { ...this.#of, sequence: this.#sequence };
    this.#recent.push({ who, owner, isShared });
    if (this.#recent.length > RECENT_MAX) this.#recent.shift();
    return who;
  }

  /** One that was used, or nearly: of others, of another life, of nobody. */
  any(owner: object, dice: Dice): EpochWho {
    const usable = this.#recent.filter((name) => name.isShared || name.owner === owner);
    const who = usable.length === 0 ? this.next(owner, true) : dice.pick(usable).who;
    if (dice.percent(75)) return who;
    return dice.pick([
      { ...who, session: who.session + 1 },
      { ...who, session: dice.pick([0, 1, 2, 2 ** 32 - 1]) },
      { ...who, incarnation: "ff".repeat(16) },
      { ...who, secret: "ff".repeat(8) },
      { ...who, session: who.session + 1, sequence: 2 ** 53 - 1 },
    ]);
  }

  /** Somebody who decides: this worker, one that this target does not have, or one of a target that there is not. */
  decider(dice: Dice): EpochPart {
    if (dice.percent(60)) return this.self;
    return dice.percent(50) ? NOBODY : { ...this.self, worker: dice.pick([1, 7, 2 ** 32 - 1]) };
  }

  participant(dice: Dice): EpochPart {
    return dice.pick([
      NOBODY,
      { ...NOBODY, worker: dice.between(0, 99) },
      { ...this.self, worker: 3 },
      this.self,
    ]);
  }
}
