import { openModule } from "../harness/module-case.ts";
import { type LineSpec, lineId, type Row } from "../harness/row.ts";
import { caseModule } from "./case-module.ts";

export interface IdlePlan {
  readonly targets: number;
  /** Sessions, each of a process of its own: those that map, and those over TCP. */
  readonly direct: number;
  readonly tcp: number;
  /** How long each round measures. */
  readonly idleMs: number;
  /** From the last work to the measuring. */
  readonly quietMs: number;
}

const CORE_PART_MAX = 0.01;

const LINES: readonly LineSpec[] = [
  { key: "all", name: "everything" },
  { key: "clients", name: "clients" },
  { key: "meta", name: "metadata service" },
  { key: "targets", name: "targets" },
  { key: "supervisor", name: "supervisor" },
];

/** What a cluster costs that nobody asks for anything. */
export function x1(plan: IdlePlan): Row {
  const { targets, direct, tcp, idleMs, quietMs } = plan;
  return {
    id: "X1",
    title: "processor time of an idle cluster",
    setting: `in a second: of ${idleMs / 1000} s, from ${quietMs / 1000} s after the last work on; ${targets} targets, ${direct} direct and ${tcp} TCP sessions, one call cancelled`,
    operations: "WAKES/S",
    compare: "meanNs",
    cases: [
      {
        id: "idle",
        name: "idle",
        mode: "processes of didafs up",
        role: "didafs",
        does: "idle",
        open: openModule(caseModule("idle-cluster"), { ...plan }),
        lines: LINES,
      },
    ],
    targets: [
      { line: lineId("idle", "all"), bound: { kind: "time", figure: "meanNs", ns: CORE_PART_MAX * 1e9 } },
    ],
  };
}
