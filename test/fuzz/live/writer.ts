import type { Dice } from "../dice.ts";
import type { Land } from "../oracle/land.ts";
import { FLOOD_BYTES } from "../wire/epoch-frames.ts";
import type { EpochNames } from "../wire/epoch-names.ts";
import { lineCountOf } from "../wire/epoch-payload.ts";
import { AT, Batch, HEADER, OPCODES, u64At } from "../wire/frame.ts";
import { GROUP_FLOOD_BYTES } from "../wire/group-frames.ts";
import { BREAKING, MILD, WILD } from "../wire/mutations.ts";
import { QUEUE_FLOOD_BYTES } from "../wire/queue-frames.ts";
import { ValidFrames } from "../wire/valid-frames.ts";
import type { RawConnection } from "./raw-connection.ts";

const OVERTAKING: readonly number[] = [
  OPCODES.FLUSH,
  OPCODES.EPOCH,
  OPCODES.PUT_NOTIFY,
  OPCODES.GET_NOTIFY,
  OPCODES.NOTIFY_NEXT,
];
/** Tags of these lie where no other command has its own. */
const FLUSH_TAGS = 0x4000_0000;
const BATCH_FRAMES_MAX = 400;
/** Once a batch has so many bytes it goes. */
const BATCH_FULL_BYTES = 128 << 10;
// In a million frames.
const MILD_MILLIONTHS = 300_000;
const WILD_MILLIONTHS = 1000;
const BREAKING_MILLIONTHS = 2000;

/** What one connection is given to send. */
export class Writer {
  readonly connection: RawConnection;
  readonly lands: Land[];
  readonly #siblings: ReadonlySet<number>;
  readonly #dice: Dice;
  readonly #batch: Batch;
  readonly #frames: ValidFrames;
  #flushes = 0;

  constructor(
    connection: RawConnection,
    own: readonly Land[],
    shared: readonly Land[],
    siblings: ReadonlySet<number>,
    dice: Dice,
    batch: Batch,
    names: EpochNames,
  ) {
    this.connection = connection;
    this.lands = [...own, ...own, ...shared];
    this.#siblings = siblings;
    this.#dice = dice;
    this.#batch = batch;
    this.#frames = new ValidFrames(dice, this.lands, names);
  }

  /** Gives the connection another batch where it has none. @returns frames in it */
  give(): number {
    const { idle, oracle, ended } = this.connection;
    if (!idle || oracle.over || ended) return 0;
    const batch = this.#batch;
    batch.end = 0;
    let frames = 0;
    for (const most = this.#dice.between(1, BATCH_FRAMES_MAX); frames < most; frames += 1) {
      if (batch.end > BATCH_FULL_BYTES) break;
      const at = this.#frames.next(batch);
      this.#mutate(at);
      // Two connections that write to one land leave it as nobody can tell.
      if (batch.end - at < HEADER) continue;
      this.#tell(at);
      this.#decide(at);
      const handle = batch.view.getUint32(at + AT.handle, true);
      if (this.#siblings.has(handle)) batch.u32(at + AT.handle, (this.lands[0] as Land).handle);
    }
    this.connection.give(batch.bytes.slice(0, batch.end));
    return frames;
  }

  /** Gives it what would fill the target. */
  flood(): void {
    const batch = new Batch(FLOOD_BYTES + GROUP_FLOOD_BYTES + QUEUE_FLOOD_BYTES);
    this.#frames.flood(batch);
    this.connection.give(batch.bytes.slice(0, batch.end));
  }

  /** Answers to stable flushes, epochs and what notifies overtake others, so a tag must tell to which one belongs. */
  #tell(at: number): void {
    const batch = this.#batch;
    const opcode = batch.bytes[at + AT.opcode];
    if (!OVERTAKING.includes(opcode as number)) return;
    this.#flushes += 1;
    batch.u32(at + AT.tag, FLUSH_TAGS + this.#flushes);
    const copy = at + HEADER + batch.view.getUint32(at + AT.payloadBytes, true);
    if (batch.end - copy < HEADER || batch.bytes[copy + AT.opcode] !== opcode) return;
    // A flush says the same again; of others the second may be told something else.
    if (opcode !== OPCODES.FLUSH) this.#flushes += 1;
    batch.u32(copy + AT.tag, FLUSH_TAGS + this.#flushes);
  }

  /**
   * An EPOCH_GET whose length is not right is the end of the session, unless the access is refused: where others change what may
   * be accessed nobody knows which, so there it asks for nothing, which is refused in any case.
   */
  #decide(at: number): void {
    const { view, bytes } = this.#batch;
    if (bytes[at + AT.opcode] !== OPCODES.EPOCH_GET) return;
    const land = this.lands.find(({ handle }) => handle === view.getUint32(at + AT.handle, true));
    if (land === undefined || land.troubles.length === 0) return;
    const length = u64At(view, at + AT.operand);
    const lines = lineCountOf(land.at + u64At(view, at + AT.offset), length);
    if (u64At(view, at + AT.length) !== length + 8 * lines) this.#batch.u64(at + AT.operand, 0);
  }

  #mutate(at: number): void {
    const drawn = this.#dice.next() % 1_000_000;
    if (drawn < BREAKING_MILLIONTHS) this.#dice.pick(BREAKING)(this.#batch, at, this.#dice);
    else if (drawn < BREAKING_MILLIONTHS + WILD_MILLIONTHS)
      this.#dice.pick(WILD)(this.#batch, at, this.#dice);
    else if (drawn < BREAKING_MILLIONTHS + WILD_MILLIONTHS + MILD_MILLIONTHS)
      this.#dice.pick(MILD)(this.#batch, at, this.#dice);
  }
}
