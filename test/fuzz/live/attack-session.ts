import { isDidafsError } from "../../../src/std/errors.ts";
import type { Dice } from "../dice.ts";
import type { Land } from "../oracle/land.ts";
import { type Holdings, Oracle } from "../oracle/oracle.ts";
import { STATUS } from "../oracle/statuses.ts";
import type { Tally } from "../tally.ts";
import { EpochNames } from "../wire/epoch-names.ts";
import { AT, Batch, OPCODES } from "../wire/frame.ts";
import { ControlChannel, type Kind } from "./control-channel.ts";
import { RawConnection } from "./raw-connection.ts";
import { REGION, type Siege } from "./siege.ts";
import { until } from "./turns.ts";

/** Who attacks whom, and on which way. */
export interface Attacker {
  readonly siege: Siege;
  readonly kind: Kind;
  readonly dice: Dice;
  readonly tally: Tally;
  /** See Holdings. */
  readonly isUndisturbed?: boolean;
}

/** One session with its lands bound, and its data connections. */
export class AttackSession {
  readonly holdings: Holdings;
  readonly connections: RawConnection[] = [];
  readonly #attacker: Attacker;
  readonly channel: ControlChannel;
  readonly names: EpochNames;

  private constructor(attacker: Attacker, channel: ControlChannel) {
    const { siege, isUndisturbed = false } = attacker;
    this.#attacker = attacker;
    this.channel = channel;
    this.names = new EpochNames(channel.epochs, siege.target.id, isUndisturbed);
    const { groups } = this.names;
    this.holdings = { lands: new Map(), durable: siege.durable, isUndisturbed, groups };
    attacker.tally.sessions += 1;
  }

  static async open(attacker: Attacker): Promise<AttackSession> {
    const { siege, kind } = attacker;
    return new AttackSession(attacker, await ControlChannel.open(siege.target, kind, siege.key));
  }

  /** Binds the lands; those of everybody where they can be had at this moment. */
  async bind(lands: readonly Land[]): Promise<void> {
    const { siege } = this.#attacker;
    await Promise.all(
      lands.map(async (land) => {
        const gen = land.inode === REGION.revoked ? siege.gen : 0;
        try {
          land.handle = await this.channel.bind(land.inode, land, land.rights === 1 ? "r" : "rw", gen);
          this.holdings.lands.set(land.handle, land);
        } catch (error) {
          if (land.troubles.length === 0 || !isDidafsError(error, "ERR_REVOKED", "ERR_RANGE")) throw error;
          if (isDidafsError(error, "ERR_REVOKED")) this.holdings.hasLostHandles = true;
        }
      }),
    );
  }

  /** A further data connection, its hello on the way. */
  connect(): RawConnection {
    const { siege, kind, tally, dice } = this.#attacker;
    const { session, token } = this.channel;
    const oracle = new Oracle({ session, token, status: STATUS.OK }, this.holdings);
    const connection = new RawConnection(siege.worker(kind), oracle, tally, dice);
    connection.give(hello(session, token));
    this.connections.push(connection);
    return connection;
  }

  step(): void {
    this.channel.step();
    for (const connection of this.connections) connection.step();
  }

  /** Waits until everything is answered. */
  async drained(): Promise<void> {
    await until(
      "answers",
      () => this.step(),
      () => this.connections.every(({ ended, idle, oracle }) => ended || (idle && oracle.owed.count === 0)),
    );
  }

  /** Waits for the target to close all of it. */
  async gone(): Promise<void> {
    await until(
      "the end of a session",
      () => this.step(),
      () => this.channel.ended && this.connections.every(({ ended }) => ended),
    );
  }
}

/** The frame that begins a connection. */
export function hello(session: number, token: Uint8Array): Uint8Array {
  const batch = new Batch(96);
  const at = batch.header(OPCODES.HELLO, 1, 0);
  batch.u64(at + AT.operand, session);
  batch.payload(at, token.length).set(token);
  return batch.bytes;
}
