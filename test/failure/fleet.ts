import { type ChildProcess, fork } from "node:child_process";
import type { ErrorCode } from "../../src/index.ts";
import type { Failpoint } from "../../src/std/failpoints.ts";
import { isProcess, until } from "../runtime/scratch.ts";
import { newRecords, type SlotRecord } from "./blocks.ts";
import { type GroupRecord, newGroups } from "./epoch-groups.ts";
import { Names } from "./names.ts";
import type { WriterNote, WriterPlan } from "./processes/block-writer.ts";
import type { ClientPlan, FromClient, ToClient } from "./processes/client.ts";
import type { EpochNote, EpochWriterPlan } from "./processes/epoch-writer.ts";
import type { NameNote, NamesPlan } from "./processes/name-worker.ts";
import type { ReaderPlan } from "./processes/stamp-reader.ts";

/** Calls that a client must have carried out before it counts as getting on: some may have been answered before. */
const SIGN_OF_LIFE = 3;
/** Longest time from when the services are back until every client gets on again. */
const RECOVERY_MS = 30_000;
const END_MS = 40_000;
const STDERR_KEPT = 4000;

/** What one writer has told. */
export interface WrittenFile {
  readonly path: string;
  readonly sharing: "managed" | "raw";
  readonly slots: readonly SlotRecord[];
}

/** What one writer of epochs has told. */
export interface EpochedFile {
  readonly path: string;
  readonly groups: readonly GroupRecord[];
}

export interface NamedDirectory {
  readonly path: string;
  readonly names: Names;
}

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  doneCount: number;
  ended: boolean;
  /** Its process is gone, and nothing more comes from it. */
  closed: boolean;
}

type Access = Pick<ClientPlan, "url" | "keyFile">;

const epochWriterOf = (path: string): string => `writer of epochs on ${path}`;

/** Client processes at work, and the journal of what they were told is done. */
export class Fleet implements AsyncDisposable {
  readonly #access: Access;
  readonly #members: Member[] = [];
  readonly files: WrittenFile[] = [];
  readonly directories: NamedDirectory[] = [];
  readonly epochFiles: EpochedFile[] = [];
  /** Epochs that were acknowledged. */
  epochCount = 0;
  /** How often calls failed, by the error's code. */
  readonly failures = new Map<ErrorCode, number>();
  #fault: string | undefined;

  constructor({ url, keyFile }: Access) {
    this.#access = { url, keyFile };
  }

  get doneCount(): number {
    return this.#members.reduce((sum, { doneCount }) => sum + doneCount, 0);
  }

  addWriter(plan: Omit<WriterPlan, keyof Access>): void {
    const slots = newRecords();
    this.files.push({ path: plan.path, sharing: plan.sharing, slots });
    this.#add<WriterNote>(`writer of ${plan.path}`, "block-writer", plan, (note) => {
      const isBegun = "begun" in note;
      for (const [slot, write] of isBegun ? note.begun : note.acknowledged) {
        const record = slots[slot] as SlotRecord;
        if (isBegun) record.begun = write;
        else record.acknowledged = write;
      }
    });
  }

  addReader(plan: Omit<ReaderPlan, keyof Access>): void {
    this.#add<never>(`reader of ${plan.path}`, "stamp-reader", plan, () => {});
  }

  /** On a file that has had one before, it goes on with what that one was told. */
  addEpochWriter(plan: Omit<EpochWriterPlan, keyof Access | "groups">): void {
    const { path } = plan;
    const known = this.epochFiles.find((file) => file.path === path);
    const groups = known?.groups ?? newGroups();
    if (known === undefined) this.epochFiles.push({ path, groups });
    this.#add<EpochNote>(epochWriterOf(path), "epoch-writer", { ...plan, groups }, (note) => {
      const record = groups[note.group] as GroupRecord;
      if ("begun" in note) record.begun = note.begun;
      else if ("void" in note) record.void.push(note.void);
      else {
        record.acknowledged = note.acknowledged;
        record.void = [];
        this.epochCount += 1;
      }
    });
  }

  /** Has the writer of epochs on that file end by SIGKILL at that step; resolves once it has, and all that it told is here. */
  async killEpochWriter(path: string, failpoint: Failpoint): Promise<void> {
    const at = this.#members.findIndex(({ name, ended }) => name === epochWriterOf(path) && !ended);
    const [member] = this.#members.splice(at, 1) as [Member];
    // Nobody wonders at its end.
    member.ended = true;
    member.child.send({ failpoint } satisfies ToClient);
    await until(() => member.closed || this.#fault !== undefined, RECOVERY_MS);
    this.check();
    if (member.child.signalCode !== "SIGKILL") throw new Error(`${member.name} ended before that step`);
  }

  addNameWorker(plan: Omit<NamesPlan, keyof Access>): void {
    const names = new Names();
    this.directories.push({ path: plan.directory, names });
    this.#add<NameNote>(`worker in ${plan.directory}`, "name-worker", plan, ({ call, outcome }) => {
      if (outcome !== undefined) names.note(call, outcome);
    });
  }

  /** @throws when a client has told a fault or has ended by itself */
  check(): void {
    if (this.#fault !== undefined) throw new Error(this.#fault);
  }

  /** Resolves once every client has carried out so many calls more. @throws when one does not, or has failed */
  async getsOn(calls = SIGN_OF_LIFE): Promise<void> {
    const before = this.#members.map(({ doneCount }) => doneCount);
    const stuck = (): Member[] =>
      this.#members.filter(({ doneCount }, at) => doneCount < (before[at] as number) + calls);
    try {
      await until(() => this.#fault !== undefined || stuck().length === 0, RECOVERY_MS);
    } catch {
      this.#fault ??= `no progress within ${RECOVERY_MS} ms: ${stuck().map(({ name }) => name)}`;
    }
    this.check();
  }

  /** Has every client come to an end in good order; others may come after them. */
  async finish(): Promise<void> {
    for (const { child, ended } of this.#members) if (!ended) child.send("stop" satisfies ToClient);
    const running = (): Member[] =>
      this.#members.filter(({ child, ended }) => !ended || isProcess(child.pid));
    try {
      await until(() => this.#fault !== undefined || running().length === 0, END_MS);
    } catch {
      this.#fault ??= `did not end within ${END_MS} ms: ${running().map(({ name }) => name)}`;
    }
    this.check();
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#members) {
      child.removeAllListeners("exit");
      child.kill("SIGKILL");
    }
    return Promise.resolve();
  }

  #add<Note>(name: string, entry: string, plan: object, take: (note: Note) => void): void {
    const file = new URL(`./processes/${entry}.ts`, import.meta.url);
    const child = fork(file, [JSON.stringify({ ...this.#access, ...plan })], {
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const member: Member = { name, child, doneCount: 0, ended: false, closed: false };
    this.#members.push(member);
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-STDERR_KEPT);
    });
    child.on("message", (message: FromClient<Note>) => {
      if ("note" in message && message.note !== undefined) take(message.note);
      if ("done" in message) member.doneCount += 1;
      if ("ended" in message) member.ended = true;
      if ("failed" in message)
        this.failures.set(message.failed, (this.failures.get(message.failed) ?? 0) + 1);
      if ("fault" in message) this.#fault ??= `${name}: ${message.fault}`;
    });
    child.once("close", (code, signal) => {
      member.closed = true;
      if (!member.ended) this.#fault ??= `${name} ended with ${signal ?? code}\n${errors}`;
    });
  }
}
