import { valueAt } from "../wire/header.ts";
import type { Connection } from "./connection.ts";

/** A command whose answer comes when what it waits for is decided; used again once it has been given. */
export interface WaitingCommand {
  /** Until it has the answer. */
  connection: Connection | undefined;
  session: number;
  opcode: number;
  tag: number;
  status: number;
  /** The answer's value. */
  low: number;
  high: number;
}

/**
 * The commands of one worker's connections that wait for what others do. They keep nothing from being read, because what
 * ends a wait may come behind it; an answer waits where its connection has no room at the moment.
 */
export class WaitingCommands {
  readonly #activate: (slot: number) => void;
  readonly #spare: WaitingCommand[] = [];
  #late: WaitingCommand[] = [];

  /** @param activate the connection in that slot has an answer to send */
  constructor(activate: (slot: number) => void) {
    this.#activate = activate;
  }

  /** A command that has come, and will be settled. */
  expect(connection: Connection, session: number, opcode: number, tag: number): WaitingCommand {
    const command = this.#spare.pop() ?? { connection, session, opcode, tag, status: 0, low: 0, high: 0 };
    command.connection = connection;
    command.session = session;
    command.opcode = opcode;
    command.tag = tag;
    connection.pendingWaits += 1;
    return command;
  }

  /** Answers it, now or when there is room; `command` may be used again from now on. */
  settle(command: WaitingCommand, status: number, low: number, high = 0): void {
    command.status = status;
    command.low = low;
    command.high = high;
    if (!this.#answer(command)) this.#late.push(command);
  }

  /** @returns work done */
  doWork(): number {
    if (this.#late.length === 0) return 0;
    const before = this.#late.length;
    this.#late = this.#late.filter((command) => !this.#answer(command));
    return before - this.#late.length;
  }

  /** @returns false when the connection has no room yet */
  #answer(command: WaitingCommand): boolean {
    const connection = command.connection as Connection;
    if (!connection.closed) {
      if (!connection.hasRoom()) return false;
      const at = valueAt(connection.answer(command.opcode, command.tag, command.status, 0));
      const { headerWords } = connection.queue;
      headerWords[at] = command.low;
      headerWords[at + 1] = command.high;
      connection.pendingWaits -= 1;
      this.#activate(connection.slot);
    }
    command.connection = undefined;
    this.#spare.push(command);
    return true;
  }
}
