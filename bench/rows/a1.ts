import { openModule } from "../harness/module-case.ts";
import { type LineSpec, lineId, type Row } from "../harness/row.ts";
import { ATTACKS, type Attack, type Crowds, LOADS, type Load } from "../hostile/hostile-messages.ts";
import { caseModule } from "./case-module.ts";

const CASE = "hostile";
const RATE_MIN = 0.8;

/** What is counted: of one that uses more the rate beside it would say more about the processors than about the target. */
export const ATTACKER_PERCENT = "% of a processor used by the busiest attackers";
const ATTACKER_PERCENT_MAX = 25;

/** Of a line: the client beside attackers. */
export function besideKey(load: Load, attack: Attack): string {
  return `${load}@${attack}`;
}

/** Right before and right after them. */
export function aloneKey(load: Load, attack: Attack): string {
  return `${load}@alone-${attack}`;
}

const LOAD_NAMES: Readonly<Record<Load, string>> = { word: "get 8 B", batch: "get 4 KiB" };

function attackName(attack: Attack, crowds: Crowds): string {
  const { strangers, tricklingStrangers, tricklingSessions, neverReading, stopped } = crowds;
  switch (attack) {
    case "nobody":
      return "beside nobody (control)";
    case "strangers":
      return `beside ${strangers.toLocaleString("en")} silent strangers`;
    case "trickle":
      return `beside ${(tricklingStrangers + tricklingSessions).toLocaleString("en")} that trickle`;
    case "never-read":
      return `beside ${neverReading} that never read`;
    case "stopped":
      return `beside ${stopped} stopped half-way`;
    case "come-and-go":
      return "beside connects and closes";
    case "computing":
      return "beside a computation (control)";
  }
}

function linesOf(load: Load, crowds: Crowds): LineSpec[] {
  const name = LOAD_NAMES[load];
  return ATTACKS.flatMap((attack): LineSpec[] => {
    const alone = aloneKey(load, attack);
    return [
      {
        key: besideKey(load, attack),
        name: `${name} ${attackName(attack, crowds)}`,
        peer: lineId(CASE, alone),
      },
      { key: alone, name: `${name} alone`, seriesOnly: true },
    ];
  });
}

/** What hostile peers cost a client that behaves well. */
export function a1(crowds: Crowds): Row {
  const attacks = ATTACKS.filter((attack) => attack !== "nobody" && attack !== "computing");
  return {
    id: "A1",
    title: "rate of a well-behaved client beside hostile peers of its target, over TCP",
    setting: "8 B: one at a time; 4 KiB: batches of 64; alone: right before and right after",
    share: 0.5,
    compare: "operationsPerSecond",
    cases: [
      {
        id: CASE,
        name: "get",
        mode: "over TCP",
        role: "didafs",
        does: "gets",
        open: openModule(caseModule("hostile-peers"), { ...crowds }),
        lines: LOADS.flatMap((load) => linesOf(load, crowds)),
      },
    ],
    targets: [
      ...LOADS.flatMap((load) =>
        attacks.map((attack): Row["targets"][number] => ({
          line: lineId(CASE, besideKey(load, attack)),
          bound: { kind: "faster", reference: lineId(CASE, aloneKey(load, attack)), factor: RATE_MIN },
        })),
      ),
      {
        line: lineId(CASE, besideKey("word", "computing")),
        bound: { kind: "count", name: ATTACKER_PERCENT, most: ATTACKER_PERCENT_MAX },
      },
    ],
  };
}
