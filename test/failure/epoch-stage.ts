import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { connect, type Transport } from "../../src/index.ts";
import type { Failpoint } from "../../src/std/failpoints.ts";
import { isProcess, until } from "../runtime/scratch.ts";
import { GROUPED_BYTES, STRIPE_UNIT, TARGETS } from "./epoch-groups.ts";
import { Fleet } from "./fleet.ts";
import { type Service, Services } from "./services.ts";

/** Epochs that are acknowledged before each end. */
const EPOCHS = 100;
const STEP_MS = 60_000;

interface Writer {
  readonly path: string;
  readonly transport: Transport;
  readonly seed: number;
}

/** Decides all epochs of these writers; the other targets only take part. */
const DECIDER = "target-0";
const WRITERS: readonly Writer[] = [
  { path: "/epochs-tcp", transport: "tcp", seed: 1 },
  { path: "/epochs-direct", transport: "direct", seed: 2 },
];
const OTHER_DECIDER = "target-1";
const OTHER_WRITER: Writer = { path: "/epochs-decided-elsewhere", transport: "auto", seed: 3 };

/** The part that a process has in an epoch. */
export type Role = "origin" | "decider" | "participant";

const IN_RECOVERY: readonly Failpoint[] = ["log read", "redone", "redone durably"];

/** A cluster whose targets end where a file in a directory says so, and writers of epochs at work. */
export class Stage implements AsyncDisposable {
  readonly services: Services;
  readonly fleet: Fleet;
  /** Processes of each role that were seen to have ended at each step. */
  readonly ends: Partial<Record<Failpoint, Partial<Record<Role, number>>>> = {};
  readonly #failpoints: string;
  #writers = WRITERS;

  private constructor(services: Services, failpoints: string) {
    this.services = services;
    this.fleet = new Fleet(services);
    this.#failpoints = failpoints;
  }

  /** @param mutant what is wrong with the services */
  static async set(mutant?: string): Promise<Stage> {
    const failpoints = mkdtempSync(path.join(tmpdir(), "didafs-failpoints-"));
    const patch =
      mutant === undefined
        ? {}
        : { NODE_OPTIONS: `--import=${new URL(`./mutants/${mutant}.ts`, import.meta.url)}` };
    const env = { DIDAFS_FAILPOINTS: failpoints, ...patch };
    const stage = new Stage(await Services.start({ targets: TARGETS, env }), failpoints);
    try {
      await stage.#begin();
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
    return stage;
  }

  async #begin(): Promise<void> {
    for (const { path: file } of WRITERS) await this.#makeFile(file, DECIDER);
    // Steps that only the other role has: were the roles not what they are taken for, somebody would end here.
    const targets = await this.#targets();
    for (const { name } of targets) this.#arm(name, name === DECIDER ? "finished" : "decided");
    this.recruit();
    await this.epochs();
    for (const { name } of targets) {
      assert.ok(this.#isArmed(name), `${name} has another role than it should`);
      rmSync(this.#fileOf(name));
    }
  }

  /** Starts the writers, on files that have none. */
  recruit(): void {
    for (const writer of this.#writers) this.fleet.addEpochWriter(writer);
  }

  /** From now on the target that decides also takes part in epochs of another writer, which another one decides. */
  async mixRoles(): Promise<void> {
    await this.#makeFile(OTHER_WRITER.path, OTHER_DECIDER);
    this.#writers = [...WRITERS, OTHER_WRITER];
    this.fleet.addEpochWriter(OTHER_WRITER);
    await this.epochs();
  }

  /** Resolves once enough more epochs were acknowledged, and since then each group was held against what is known of it. */
  async epochs(): Promise<void> {
    const { fleet } = this;
    const enough = fleet.epochCount + EPOCHS;
    const records = fleet.epochFiles.flatMap(({ groups }) => groups);
    const begun = records.map((record) => record.begun);
    await until(() => {
      fleet.check();
      const isLookedAt = records.every(({ acknowledged }, at) => acknowledged > (begun[at] as number));
      return fleet.epochCount >= enough && isLookedAt;
    }, STEP_MS);
  }

  /** A process in that role ends at that step, and comes back: each of those that have it in its turn. */
  async end(step: Failpoint, role: Role): Promise<void> {
    const counts = this.ends[step] ?? {};
    const count = counts[role] ?? 0;
    if (role === "origin") {
      const writer = WRITERS[count % WRITERS.length] as (typeof WRITERS)[number];
      await this.fleet.killEpochWriter(writer.path, step);
      this.fleet.addEpochWriter(writer);
    } else {
      const isInRole = ({ name }: Service): boolean => (name === DECIDER) === (role === "decider");
      const targets = await this.#targetsToKill((target) => isInRole(target) || step === "over");
      const inRole = targets.filter(isInRole);
      await this.#endTarget(step, inRole[count % inRole.length] as Service, targets);
    }
    this.ends[step] = { ...counts, [role]: count + 1 };
    await this.epochs();
  }

  async #endTarget(step: Failpoint, victim: Service, targets: readonly Service[]): Promise<void> {
    const { name } = victim;
    this.#arm(name, step);
    let killed: Service[] = [];
    if (IN_RECOVERY.includes(step)) killed = [victim];
    // A participant gives up only what nobody has decided.
    else if (step === "over" && name !== DECIDER) killed = targets.filter((other) => other.name === DECIDER);
    this.services.kill(killed);
    await until(() => {
      this.fleet.check();
      return !this.#isArmed(name);
    }, STEP_MS);
    this.services.died(victim);
    const ended = [...killed, victim];
    await until(() => ended.every(({ pid }) => !isProcess(pid)));
    await this.services.whole(ended);
  }

  /** All targets end at once while nobody writes; then the writers go on. */
  async endAll(): Promise<void> {
    const targets = await this.#targetsToKill(() => true);
    await this.fleet.finish();
    this.services.kill(targets);
    await this.services.whole(targets);
    this.recruit();
    await this.epochs();
  }

  async #targets(): Promise<Service[]> {
    return (await this.services.list()).filter(({ name }) => name !== "meta");
  }

  /** @returns all targets; its supervisor would start each of those again that may be killed */
  async #targetsToKill(mayBeKilled: (target: Service) => boolean): Promise<Service[]> {
    const targets = await this.#targets();
    if (targets.filter(mayBeKilled).every(({ name }) => this.services.mayBeKilled(name))) return targets;
    await this.services.killSupervisor(true);
    await this.services.up();
    // A log that was just recovered has nothing to be recovered.
    await this.epochs();
    return this.#targets();
  }

  /** Which target decides follows from the inode's number. */
  async #makeFile(file: string, decider: string): Promise<void> {
    const { url, keyFile, data } = this.services;
    const { id } = JSON.parse(readFileSync(path.join(data, decider, "target.json"), "utf8"));
    await using cluster = await connect(url, { keyFile });
    const form = { create: true, size: GROUPED_BYTES, targets: TARGETS, stripeUnit: STRIPE_UNIT };
    for (;;) {
      await using _made = await cluster.open(file, form);
      const { layout } = await cluster.stat(file);
      if (layout?.regions[0]?.target === id) return;
      await cluster.remove(file);
    }
  }

  #fileOf(target: string): string {
    return path.join(this.#failpoints, target);
  }

  #arm(target: string, step: Failpoint): void {
    writeFileSync(this.#fileOf(target), step);
  }

  /** It has not come to its step. */
  #isArmed(target: string): boolean {
    return existsSync(this.#fileOf(target));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
    await this.services[Symbol.asyncDispose]();
    rmSync(this.#failpoints, { recursive: true, force: true });
  }
}
