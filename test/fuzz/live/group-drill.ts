import type { Dice } from "../dice.ts";
import { AT, Batch, HEADER, OPCODES } from "../wire/frame.ts";
import { type Attacker, AttackSession } from "./attack-session.ts";
import type { RawConnection } from "./raw-connection.ts";
import { until } from "./turns.ts";

/** Tags that nobody else has. */
const DRILL_TAGS = 0x7000_0000;
/** A second of such waits is waited for, whatever comes of them. */
const WAIT_MS = 900;
const FRAMES_MAX = 16;
const TWO_32 = 2 ** 32;

/** What one of the two says. */
interface Member {
  readonly connection: RawConnection;
  readonly known: AttackSession["names"]["groups"];
}

/**
 * Two sessions form a group and come to barriers, as members do. Of frames that are drawn one by one nearly none finds a group that
 * lives: whoever draws them is not told its number before the others have left it.
 */
export class GroupDrill {
  readonly #dice: Dice;
  readonly #batch = new Batch(FRAMES_MAX * HEADER);
  /** Of the group. */
  readonly #name: number;
  #tag = DRILL_TAGS;

  private constructor(dice: Dice) {
    this.#dice = dice;
    this.#name = TWO_32 + dice.next();
  }

  static async run(attacker: Attacker, session: AttackSession, connection: RawConnection): Promise<void> {
    const { dice } = attacker;
    const partner = await AttackSession.open(attacker);
    const drill = new GroupDrill(dice);
    const one = { connection, known: session.names.groups };
    const two = { connection: partner.connect(), known: partner.names.groups };
    const answered = (): Promise<void> =>
      until(
        "answers to members of a group",
        () => {
          session.step();
          partner.step();
        },
        () => [one, two].every(({ connection: { idle, oracle } }) => idle && oracle.owed.count === 0),
      );
    await answered();
    for (const member of [one, two]) drill.#say(member, (batch) => drill.#join(batch));
    await answered();
    for (let rounds = dice.between(1, 3); rounds > 0; rounds -= 1) {
      // Nobody is there yet.
      drill.#say(one, (batch) => drill.#barrier(batch, one, 0));
      await answered();
      drill.#say(one, (batch) => {
        drill.#barrier(batch, one, WAIT_MS);
        drill.#barrier(batch, one, WAIT_MS);
      });
      drill.#say(two, (batch) => drill.#barrier(batch, two, WAIT_MS));
      await answered();
    }
    drill.#end(one, two);
    await answered();
    partner.channel.close();
    await partner.gone();
  }

  /** One waits, and either of them leaves. */
  #end(one: Member, two: Member): void {
    const leavesItself = this.#dice.percent(50);
    this.#say(one, (batch) => {
      this.#barrier(batch, one, WAIT_MS);
      if (leavesItself) this.#leave(batch);
    });
    this.#say(two, (batch) => {
      if (leavesItself) this.#barrier(batch, two, WAIT_MS);
      else this.#leave(batch);
    });
  }

  #say({ connection }: Member, write: (batch: Batch) => void): void {
    const batch = this.#batch;
    batch.end = 0;
    write(batch);
    connection.give(batch.bytes.slice(0, batch.end));
  }

  #begin(batch: Batch, opcode: number): number {
    this.#tag += 1;
    return batch.header(opcode, this.#tag, 0);
  }

  #join(batch: Batch): void {
    const at = this.#begin(batch, OPCODES.GROUP_JOIN);
    batch.u64(at + AT.operand, this.#name);
    batch.u32(at + AT.offset, 2);
    batch.u64(at + AT.length, WAIT_MS);
  }

  #barrier(batch: Batch, { known }: Member, waitMs: number): void {
    const at = this.#begin(batch, OPCODES.GROUP_BARRIER);
    const { number, round } = known.last;
    batch.u64(at + AT.operand, number);
    batch.u64(at + AT.offset, round);
    batch.u32(at + AT.compare, waitMs);
  }

  #leave(batch: Batch): void {
    batch.u64(this.#begin(batch, OPCODES.GROUP_LEAVE) + AT.operand, this.#name);
  }
}
