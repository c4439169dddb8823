import assert from "node:assert/strict";
import type { Dice } from "../dice.ts";
import type { Land } from "../oracle/land.ts";
import { Tally } from "../tally.ts";
import { Batch } from "../wire/frame.ts";
import { ValidFrames } from "../wire/valid-frames.ts";
import { AttackSession } from "./attack-session.ts";
import type { Kind } from "./control-channel.ts";
import type { Siege } from "./siege.ts";
import { turn } from "./turns.ts";

const BATCH_FRAMES = 20;

/** One session that does nothing wrong, all the time, next to those that attack. Whatever it is answered is checked. */
export class Victim {
  readonly tally: Tally = new Tally();
  readonly #siege: Siege;
  readonly #kind: Kind;
  readonly #dice: Dice;
  readonly #lands: Land[];

  constructor(siege: Siege, kind: Kind, dice: Dice) {
    this.#siege = siege;
    this.#kind = kind;
    this.#dice = dice;
    this.#lands = siege.victims();
  }

  async run(isOver: () => boolean): Promise<void> {
    const session = await AttackSession.open({
      siege: this.#siege,
      kind: this.#kind,
      dice: this.#dice,
      tally: this.tally,
      isUndisturbed: true,
    });
    await session.bind(this.#lands);
    const connection = session.connect();
    const frames = new ValidFrames(this.#dice, this.#lands, session.names);
    const batch = new Batch(BATCH_FRAMES * 2048 + ValidFrames.ROOM);
    while (!isOver()) {
      session.step();
      assert.ok(!connection.ended && !session.channel.ended, "the victim's session lives");
      if (connection.idle && connection.oracle.owed.count === 0) {
        batch.end = 0;
        for (let i = 0; i < BATCH_FRAMES && batch.room > ValidFrames.ROOM; i += 1) frames.next(batch);
        connection.give(batch.bytes.slice(0, batch.end));
      }
      await turn();
    }
    await session.drained();
    for (const land of this.#lands) {
      assert.equal(land.differsAt(0, this.#siege.bytesOf(land)), -1, "the victim's bytes are what it wrote");
    }
    session.channel.close();
    await session.gone();
  }
}
