import type { Clock } from "../ports/clock.ts";
import type { Handlers } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";
import type { Params, Problem, Result } from "../wire/control.ts";
import { audit } from "./audit.ts";
import { RegionRepairs, type RepairParts } from "./region-repairs.ts";
import { diagnose, type NameProblem } from "./repair.ts";
import { nextInodeOf } from "./store.ts";
import { countInodes, setCount } from "./tables.ts";

const PAGE_REGIONS = 256;
const CALL_TIMEOUT_MS = 10_000;

interface Parts extends RepairParts {
  readonly clock: Clock;
}

/** What `didafs check` calls: pages of all there is, and looks at problems, with a repair in the same step. */
export class CheckCalls {
  readonly #parts: Parts;
  readonly #regions: RegionRepairs;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#regions = new RegionRepairs(parts);
  }

  readonly handlers: Handlers = {
    "meta.audit": (params) => {
      const { store } = this.#parts;
      return store.read((reader) => ({
        ...audit(reader, params),
        revision: store.revision,
        inodes: countInodes(reader),
        nextInode: nextInodeOf(reader),
      }));
    },
    "meta.auditRegions": async ({ target, after }) => {
      const channel = this.#parts.registry.channelOf(target);
      if (channel === undefined) {
        throw new DidafsError("ERR_UNREACHABLE", `target ${target} is down`, { target });
      }
      return channel.call("region.audit", { after, limit: PAGE_REGIONS }, { timeoutMs: CALL_TIMEOUT_MS });
    },
    "meta.repair": (params) => this.#repair(params),
  };

  async #repair({ problem, apply }: Params<"meta.repair">): Promise<Result<"meta.repair">> {
    switch (problem.kind) {
      case "orphan-region":
      case "misplaced-region":
      case "missing-region":
      case "short-region":
      case "long-region":
      case "unusable-region":
        return this.#regions.repair(problem, apply);
      case "wrong-inode-count":
        return this.#repairCount(problem, apply);
      default:
        return this.#repairNames(problem, apply);
    }
  }

  async #repairNames(problem: NameProblem, apply: boolean): Promise<Result<"meta.repair">> {
    const { store, clock } = this.#parts;
    const before = store.read((reader) => diagnose(reader, problem));
    if (before === "gone") return { state: "gone" };
    if (!apply) return { state: "found" };
    if ("refusal" in before) return { state: "refused", reason: before.refusal };
    const repairing = { wallMs: clock.wallMs(), freshInode: await store.newInode() };
    return store.transact((transaction) => {
      const diagnosis = diagnose(transaction, problem);
      if (diagnosis === "gone") return { state: "gone" };
      if ("refusal" in diagnosis) return { state: "refused", reason: diagnosis.refusal };
      diagnosis.fix(transaction, repairing);
      return { state: "repaired" };
    });
  }

  /** What was counted holds as long as nothing changes at all. */
  async #repairCount(
    { inodes, revision }: Extract<Problem, { kind: "wrong-inode-count" }>,
    apply: boolean,
  ): Promise<Result<"meta.repair">> {
    const { store } = this.#parts;
    if (store.read(countInodes) === inodes) return { state: "gone" };
    if (store.busy || store.revision !== revision) {
      return { state: "refused", reason: "the cluster is being changed; check again when it is at rest" };
    }
    if (!apply) return { state: "found" };
    await store.transact((transaction) => setCount(transaction, inodes));
    return { state: "repaired" };
  }
}
