import { valueAt } from "../wire/header.ts";
import type { Connection } from "./connection.ts";
import { COPIES_QUEUED_MAX, type ConnectionMemory } from "./connection-memory.ts";
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
  /** See WaitingCommands.hold. */
  payload: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * The commands of one worker's connections that wait for what others do. They keep nothing from being read, because what
 * ends a wait may come behind it; an answer waits where its connection has no room at the moment.
 */
export class WaitingCommands {
  /** Bytes of copies that wait to be handed over. */
  heldBytes = 0;
  readonly #activate: (slot: number) => void;
  readonly #memory: ConnectionMemory;
  readonly #spare: WaitingCommand[] = [];
  /** What is decided, in that order, of connections that have no room. */
  readonly #late = new Map<Connection, WaitingCommand[]>();

  /** @param activate the connection in that slot has an answer to send */
  constructor(activate: (slot: number) => void, memory: ConnectionMemory) {
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

  /** What comes with the answer, where that is no refusal. */
  hold(command: WaitingCommand, copy: Uint8Array<ArrayBuffer>): void {
    command.payload = copy;
    this.heldBytes += copy.length;
  }

  #letGo(command: WaitingCommand): void {
    this.heldBytes -= command.payload?.length ?? 0;
    command.payload = undefined;
  }

  /** Answers it, now or when there is room; `command` may be used again from now on. */
  settle(command: WaitingCommand, status: number, low: number, high = 0): void {
    command.status = status;
    command.low = low;
    command.high = high;
    if (status !== OK) this.#letGo(command);
    const connection = command.connection as Connection;
    const late = this.#late.get(connection);
    if (late !== undefined) late.push(command);
    else if (!this.#answer(command)) this.#late.set(connection, [command]);
  }

  /** @returns work done */
  doWork(): number {
    let work = 0;
    for (const [connection, late] of this.#late) {
      let done = 0;
      while (done < late.length && this.#answer(late[done] as WaitingCommand)) done += 1;
      work += done;
      if (done === late.length) this.#late.delete(connection);
      else late.splice(0, done);
    }
    return work;
  }

  /** @returns false when the connection has no room yet */
  #answer(command: WaitingCommand): boolean {
    const connection = command.connection as Connection;
    const { payload } = command;
    if (!connection.closed) {
      if (!connection.hasRoom()) return false;
      // Who does not read must not make the worker keep many copies in what is to be sent: those count nowhere.
      if (payload !== undefined && connection.queue.bytes > COPIES_QUEUED_MAX) return false;
      const { opcode, tag, status, low, high } = command;
      const at = valueAt(connection.answer(opcode, tag, status, payload?.length ?? 0));
      const { headerWords } = connection.queue;
      headerWords[at] = low;
      headerWords[at + 1] = high;
      if (payload !== undefined) this.#memory.pushCopy(connection, payload);
      connection.pendingWaits -= 1;
      this.#activate(connection.slot);
    }
    command.connection = undefined;
    this.#letGo(command);
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
