import { EPOCH_ANSWER } from "../epoch/epoch-actions.ts";
import { OPCODE, valueAt } from "../wire/header.ts";
import type { Connection } from "./connection.ts";
import { COUNTER, countOne } from "./counters.ts";
import type { FromWorker } from "./messages.ts";
import { OK } from "./statuses.ts";

/** An EPOCH command that is answered later. */
interface Command {
  readonly connection: Connection;
  readonly tag: number;
}

/** Who waits for an answer about an epoch: a command, or the control thread, by the number of its order. */
export type EpochAsker =
  | Command
  | { readonly reply: "epoch-enquired" | "epoch-finished"; readonly id: number };

interface Late {
  readonly command: Command;
  readonly status: number;
  readonly answer: number;
}

/** What EpochAnswers needs of its worker. */
interface Answering {
  readonly counters: Float64Array;
  post(message: FromWorker): void;
  /** The connection in that slot has an answer to send. */
  activate(slot: number): void;
}

/** Gives the answers of one worker's epochs to those who wait for them. */
export class EpochAnswers {
  readonly #worker: Answering;
  readonly #commands = new Set<Command>();
  /** Those whose connection has no room at this moment. */
  #late: Late[] = [];

  constructor(worker: Answering) {
    this.#worker = worker;
  }

  /** A command that has come, and will be settled. */
  expect(connection: Connection, tag: number): EpochAsker {
    const command = { connection, tag };
    connection.pendingEpochs += 1;
    this.#commands.add(command);
    return command;
  }

  /** @param answer of EPOCH_ANSWER, of use where the status is OK */
  settle(asker: EpochAsker, status: number, answer: number): void {
    if (status === OK && answer === EPOCH_ANSWER.CONFLICT) {
      countOne(this.#worker.counters, COUNTER.epochConflicts);
    }
    if ("reply" in asker) {
      this.#worker.post({ type: asker.reply, id: asker.id, answer });
      return;
    }
    this.#commands.delete(asker);
    const late = { command: asker, status, answer };
    if (!this.#answer(late)) this.#late.push(late);
  }

  /** Nothing else comes of what waits. */
  failAll(status: number): void {
    for (const command of [...this.#commands]) this.settle(command, status, 0);
  }

  /** @returns work done */
  doWork(): number {
    if (this.#late.length === 0) return 0;
    const before = this.#late.length;
    this.#late = this.#late.filter((late) => !this.#answer(late));
    return before - this.#late.length;
  }

  /** @returns false when the connection has no room yet */
  #answer({ command: { connection, tag }, status, answer }: Late): boolean {
    if (connection.closed) return true;
    if (!connection.hasRoom()) return false;
    const at = connection.answer(OPCODE.EPOCH, tag, status, 0);
    connection.queue.headerWords[valueAt(at)] = answer;
    connection.pendingEpochs -= 1;
    this.#worker.activate(connection.slot);
    return true;
  }
}
