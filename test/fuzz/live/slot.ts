import assert from "node:assert/strict";
import type { Dice } from "../dice.ts";
import type { Land } from "../oracle/land.ts";
import { STATUS } from "../oracle/statuses.ts";
import type { Tally } from "../tally.ts";
import { AT, Batch, HEADER, OPCODES, PAYLOAD_MAX } from "../wire/frame.ts";
import { type Attacker, AttackSession } from "./attack-session.ts";
import type { Kind } from "./control-channel.ts";
import { GroupDrill } from "./group-drill.ts";
import type { RawConnection } from "./raw-connection.ts";
import { DOOM, type Siege } from "./siege.ts";
import { turn, until } from "./turns.ts";
import { Writer } from "./writer.ts";

const CONNECTIONS_MAX = 3;
/** Between two turns of the event loop. */
const ROUNDS = 4;
/** One session of so many asks for more than it may have. */
const FLOOD_ONE_IN = 150;
/** One session of so many is in a group with another one first. */
const DRILL_ONE_IN = 8;
/** Three lines, the first and the last in part. */
const EPOCH_LAND_BYTES = 3 * 4096 - 200;
const BATCH_BYTES = 3 << 20;
/** One session of so many has a region whose sync fails. */
const CONDEMNED_ONE_IN = 60;

/** Attacks with one session after the other, always on the same lands, and looks what became of them. */
export class Slot {
  readonly #attacker: Attacker;
  /** By connection. */
  readonly #own: readonly Land[][];
  readonly #readOnly: Land;
  readonly #batch = new Batch(BATCH_BYTES);

  constructor(siege: Siege, kind: Kind, dice: Dice, tally: Tally, hasLongLand: boolean) {
    this.#attacker = { siege, kind, dice, tally };
    this.#own = Array.from({ length: CONNECTIONS_MAX }, (_, index) => [
      siege.claim(13),
      siege.claim(4093 + index),
      siege.claimLines(EPOCH_LAND_BYTES),
      ...(hasLongLand && index === 0 ? [siege.claim(PAYLOAD_MAX + 9)] : []),
    ]);
    this.#readOnly = siege.readOnly(600);
  }

  /** One session that ends as soon as it is there. */
  async warmUp(): Promise<void> {
    await this.#session(() => true);
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) await this.#session(isOver);
  }

  async #session(isOver: () => boolean): Promise<void> {
    const { siege, dice } = this.#attacker;
    const session = await AttackSession.open(this.#attacker);
    const own = this.#own.slice(0, dice.between(1, CONNECTIONS_MAX));
    const everybodys = siege.contested();
    const condemned =
      siege.durable && dice.next() % CONDEMNED_ONE_IN === 0 ? await siege.condemned() : undefined;
    await session.bind([...own.flat(), this.#readOnly, ...everybodys, ...(condemned ? [condemned] : [])]);
    const writers = own.map((lands) => {
      const shared = [this.#readOnly, ...everybodys].filter(({ handle }) => handle > 0);
      return new Writer(
        session.connect(),
        lands,
        shared,
        siblingHandles(own, lands),
        dice,
        this.#batch,
        session.names,
      );
    });
    await session.drained();
    if (condemned !== undefined) await this.#condemn(session, writers, condemned);
    if (dice.next() % FLOOD_ONE_IN === 0) await this.#flood(session, writers[0] as Writer);
    if (dice.next() % DRILL_ONE_IN === 0) {
      await GroupDrill.run(this.#attacker, session, (writers[0] as Writer).connection);
    }
    const framesMax = dice.between(100, 3000);
    for (let given = 0; given < framesMax && !isOver(); ) {
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const writer of writers) {
          // One breach is the end of the session: another one would only hide it.
          if (!session.connections.some(({ oracle }) => oracle.over)) given += writer.give();
        }
        session.step();
      }
      if (session.connections.some(({ ended }) => ended)) break;
      await turn();
    }
    await this.#finish(session, own);
    if (condemned !== undefined) await siege.remove(condemned);
  }

  /** Asks for more than there is for one session. */
  async #flood(session: AttackSession, writer: Writer): Promise<void> {
    writer.flood();
    await session.drained();
  }

  /** Has a sync of the land's region fail: from then on nothing of it is served. */
  async #condemn(session: AttackSession, writers: readonly Writer[], land: Land): Promise<void> {
    const batch = new Batch(2 * HEADER);
    const put = batch.header(OPCODES.PUT, 1, land.handle);
    batch.u64(put + AT.length, DOOM.length);
    batch.bytes.set(DOOM, put + AT.operand);
    batch.u16(batch.header(OPCODES.FLUSH, 2, land.handle) + AT.flags, 1);
    (writers[0] as Writer).connection.give(batch.bytes);
    await session.drained();
    land.troubles.length = 0;
    land.refusal = STATUS.IO;
    for (const writer of writers) writer.lands.push(land, land);
  }

  async #finish(session: AttackSession, own: readonly Land[][]): Promise<void> {
    const { dice, tally } = this.#attacker;
    const broken = session.connections.filter(({ oracle }) => oracle.breach !== undefined);
    const lives = broken.length > 0 || !session.connections.some(({ ended }) => ended);
    assert.ok(lives, "a session that broke nothing lives");
    const how = broken.length > 0 ? "broken" : dice.pick(["drained", "abandoned", "hung up"]);
    tally.event(`sessions ${how}`);
    if (how === "drained") {
      // What is still owed to a payload that never ends is not to come.
      const whole = session.connections.filter(({ oracle }) => oracle.inStep);
      await until(
        "answers",
        () => session.step(),
        () => whole.every(({ ended, idle, oracle }) => ended || (idle && oracle.owed.count === 0)),
      );
      this.#verify(own.filter((_, index) => whole.includes(session.connections[index] as RawConnection)));
    }
    if (how === "hung up" && session.connections.length > 1) session.connections[0]?.close();
    if (how !== "broken") session.channel.close();
    await session.gone();
    if (how === "broken") {
      // Which of several came first, nobody knows.
      const [only] = broken;
      if (broken.length === 1 && only !== undefined) {
        const { breach, breachPassed } = only.oracle;
        if (breach !== undefined) tally.breached(breach, breachPassed);
        this.#verify([own[session.connections.indexOf(only)] as Land[]]);
      }
    }
    for (const land of own.flat()) land.learn(this.#attacker.siege.bytesOf(land));
  }

  /** Everything that was accepted is there, and nothing else. */
  #verify(lands: readonly Land[][]): void {
    for (const land of lands.flat()) {
      const found = this.#attacker.siege.bytesOf(land);
      const at = land.differsAt(0, found);
      const wanted = land.bytes?.[at];
      assert.equal(at, -1, `byte ${at} of the land at ${land.at} is ${found[at]}, not ${wanted}`);
    }
  }
}

function siblingHandles(own: readonly Land[][], lands: readonly Land[]): Set<number> {
  return new Set(
    own
      .flat()
      .filter((land) => !lands.includes(land))
      .map(({ handle }) => handle),
  );
}
