import { type ChildProcess, fork } from "node:child_process";
import type { ErrorCode } from "../../src/index.ts";
import { isProcess, until } from "../runtime/scratch.ts";
import { newRecords, type SlotRecord } from "./blocks.ts";
import { Names } from "./names.ts";
import type { WriterNote, WriterPlan } from "./processes/block-writer.ts";
import type { ClientPlan, FromClient } from "./processes/client.ts";
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

export interface NamedDirectory {
  readonly path: string;
  readonly names: Names;
}

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  doneCount: number;
  ended: boolean;
}

type Access = Pick<ClientPlan, "url" | "keyFile">;

/** Client processes at work, and the journal of what they were told is done. */
export class Fleet implements AsyncDisposable {
  readonly #access: Access;
  readonly #members: Member[] = [];
  readonly files: WrittenFile[] = [];
  readonly directories: NamedDirectory[] = [];
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

  /** Has every client come to an end in good order. */
  async finish(): Promise<void> {
    for (const { child } of this.#members) child.send("stop");
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
    const member: Member = { name, child, doneCount: 0, ended: false };
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
      if (!member.ended) this.#fault ??= `${name} ended with ${signal ?? code}\n${errors}`;
    });
  }
}
