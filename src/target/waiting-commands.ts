import { valueAt } from "../wire/header.ts";
import type { Connection } from "./connection.ts";
import type { EpochMemory } from "./epoch-memory.ts";
import { OK } from "./statuses.ts";

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
  /** What comes with an answer that is no refusal: a copy that is its own. */
  payload: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * The commands of one worker's connections that wait for what others do. They keep nothing from being read, because what
 * ends a wait may come behind it; an answer waits where its connection has no room at the moment.
 */
export class WaitingCommands {
  readonly #activate: (slot: number) => void;
  readonly #memory: EpochMemory;
  readonly #spare: WaitingCommand[] = [];
  #late: WaitingCommand[] = [];

  /** @param activate the connection in that slot has an answer to send */
  constructor(activate: (slot: number) => void, memory: EpochMemory) {
    this.#activate = activate;
    this.#memory = memory;
  }

  /** A command that has come, and will be settled. */
  expect(connection: Connection, session: number, opcode: number, tag: number): WaitingCommand {
    const command = this.#spare.pop() ?? newCommand();
    command.connection = connection;
    command.session = session;
    command.opcode = opcode;
    command.tag = tag;
    command.low = 0;
    command.high = 0;
    connection.pendingWaits += 1;
    return command;
  }

  /** Answers it, now or when there is room; `command` may be used again from now on. */
  settle(command: WaitingCommand, status: number, low: number, high = 0): void {
    command.status = status;
    command.low = low;
    command.high = high;
    if (status !== OK) command.payload = undefined;
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
      const { opcode, tag, status, payload } = command;
      const at = valueAt(connection.answer(opcode, tag, status, payload?.length ?? 0));
      const { headerWords } = connection.queue;
      headerWords[at] = command.low;
      headerWords[at + 1] = command.high;
      if (payload !== undefined) this.#memory.pushCopy(connection, payload);
      connection.pendingWaits -= 1;
      this.#activate(connection.slot);
    }
    command.connection = undefined;
    command.payload = undefined;
    this.#spare.push(command);
    return true;
  }
}

function newCommand(): WaitingCommand {
  return {
    connection: undefined,
    session: 0,
    opcode: 0,
    tag: 0,
    status: OK,
    low: 0,
    high: 0,
    payload: undefined,
  };
}
