import {
  ATOMICITY,
  CONSISTENCY,
  DURABILITY,
  type EpochClass,
  ISOLATION,
  type Judgement,
  judge,
} from "../epoch/epoch-class.ts";

const AXES = ["atomicity", "consistency", "isolation", "durability"] as const;

/** In docs/epochs.md the section that holds the table, up to the next one. */
export const EPOCH_CLASS_HEADING = "## All combinations";

/** What each combination of the four axes is: a row for three of them, a column for each durability, and why. */
export function epochClassTable(): string {
  const reasons: string[] = [];
  const rows = ATOMICITY.flatMap((atomicity) =>
    CONSISTENCY.flatMap((consistency) =>
      ISOLATION.map((isolation) => {
        const cells = DURABILITY.map((durability) =>
          cell({ atomicity, consistency, isolation, durability }, reasons),
        );
        return row([atomicity, consistency, isolation, ...cells]);
      }),
    ),
  );
  const head = ["atomicity", "consistency", "isolation", ...DURABILITY.map((one) => `durability \`${one}\``)];
  const lines = [row(head), `|${"---|".repeat(head.length)}`, ...rows, ""];
  return [...lines, ...reasons.map((why, number) => `${number + 1}. ${why}`)].join("\n");
}

/** @param reasons those that were given so far; a new one comes behind them */
function cell(asked: EpochClass, reasons: string[]): string {
  const judgement = judge(asked);
  if (judgement.kind === "valid") return "valid";
  if (!reasons.includes(judgement.why)) reasons.push(judgement.why);
  return `${verdict(asked, judgement)} (${reasons.indexOf(judgement.why) + 1})`;
}

/** Of one that is equal to another, where that differs from it. */
function verdict(asked: EpochClass, judgement: Exclude<Judgement, { kind: "valid" }>): string {
  if (judgement.kind === "invalid") return "`ERR_INVALID_EPOCH`";
  const { to } = judgement;
  const differing = AXES.filter((axis) => to[axis] !== asked[axis]);
  return `= ${differing.map((axis) => `${axis} \`${to[axis]}\``).join(", ")}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
