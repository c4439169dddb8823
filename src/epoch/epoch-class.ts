/** The four axes, weakest first: what each level means is in section 6 of the architecture. */
export const ATOMICITY = ["none", "all"] as const;
export const CONSISTENCY = ["relaxed", "release", "sequential"] as const;
export const ISOLATION = ["none", "shared", "exclusive", "serializable"] as const;
export const DURABILITY = ["none", "memory", "stable", "replicated"] as const;

/** The guarantees of an epoch, each chosen on its own. */
export interface EpochClass {
  readonly atomicity: (typeof ATOMICITY)[number];
  readonly consistency: (typeof CONSISTENCY)[number];
  readonly isolation: (typeof ISOLATION)[number];
  readonly durability: (typeof DURABILITY)[number];
}

/** What a combination is: a class of its own, another one by name, or none. `why` ends a sentence. */
export type Judgement =
  | { readonly kind: "valid" }
  | { readonly kind: "equal"; readonly to: EpochClass; readonly why: string }
  | { readonly kind: "invalid"; readonly why: string };

interface Rule {
  applies(asked: EpochClass): boolean;
  /** What it comes to. */
  readonly becomes?: Partial<EpochClass>;
  readonly why: string;
}

const locks = ({ isolation }: EpochClass): boolean => isolation === "shared" || isolation === "exclusive";

/** The first that applies counts, and then those of what it comes to. */
const RULES: readonly Rule[] = [
  {
    applies: ({ atomicity, isolation }) => atomicity === "none" && isolation === "serializable",
    why: "a conflict is found when it closes, and by then its writes have taken effect",
  },
  {
    applies: ({ atomicity, consistency }) => atomicity === "all" && consistency === "sequential",
    why: "its writes take effect together when it closes, and not one before the next",
  },
  {
    applies: ({ isolation, consistency }) => isolation === "serializable" && consistency === "relaxed",
    becomes: { consistency: "release" },
    why: "what it has read is compared with what has been closed before it",
  },
  {
    applies: (asked) => locks(asked) && asked.consistency === "relaxed",
    becomes: { consistency: "release" },
    why: "its locks pass on only when its writes have taken effect",
  },
  {
    applies: ({ atomicity, durability }) => atomicity === "all" && durability === "none",
    becomes: { durability: "memory" },
    why: "what is decided outlasts its origin",
  },
  {
    applies: ({ consistency, durability }) => consistency !== "relaxed" && durability === "none",
    becomes: { durability: "memory" },
    why: "what has taken effect at the targets outlasts its origin",
  },
];

export function judge(asked: EpochClass): Judgement {
  let [to, why] = [asked, ""];
  for (;;) {
    const rule = RULES.find(({ applies }) => applies(to));
    if (rule === undefined) return why === "" ? { kind: "valid" } : { kind: "equal", to, why };
    if (rule.becomes === undefined) return { kind: "invalid", why: rule.why };
    to = { ...to, ...rule.becomes };
    why = why === "" ? rule.why : `${why}, and ${rule.why}`;
  }
}

export function allClasses(): EpochClass[] {
  return ATOMICITY.flatMap((atomicity) =>
    CONSISTENCY.flatMap((consistency) =>
      ISOLATION.flatMap((isolation) =>
        DURABILITY.map((durability) => ({ atomicity, consistency, isolation, durability })),
      ),
    ),
  );
}
