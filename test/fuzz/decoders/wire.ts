import { createHmac } from "node:crypto";
import * as v from "valibot";
import { ENDED, type Stream, WOULD_BLOCK } from "../../../src/ports/network.ts";
import { failureOf } from "../../../src/rpc/failure.ts";
import { answerFrame, checkedPayloadBytes, commandFrame, parsePayload } from "../../../src/rpc/frame.ts";
import { FrameReader } from "../../../src/rpc/frame-reader.ts";
import { originProofHolds, proofsEqual } from "../../../src/rpc/proofs.ts";
import { SimMemory } from "../../../src/sim/memory.ts";
import { capabilitySecret, openCapability, signCapability } from "../../../src/wire/capability.ts";
import { CALLS } from "../../../src/wire/control.ts";
import {
  decodeEpochMessage,
  type EpochMessage,
  encodeEpochMessage,
} from "../../../src/wire/epoch-message.ts";
import {
  decodeNotice,
  decodeQueue,
  encodeQueue,
  NOTICE_BYTES,
  QUEUE_BYTES,
} from "../../../src/wire/notifications.ts";
import type { Dice } from "../dice.ts";
import { anyBytes, anyText, type Decoder, mutated } from "./decoder.ts";
import { mutatedValue, sampleOf } from "./schema-samples.ts";

const secret = capabilitySecret(new Uint8Array(32).fill(1), "a".repeat(32), "b".repeat(32));
const VALID = Buffer.from(
  signCapability(secret, {
    inode: 5,
    index: 1,
    rights: "rw",
    at: 0,
    byteLength: 4096,
    expiresMs: 1e12,
    gen: 3,
    originKey: "c".repeat(64),
    target: "a".repeat(32),
  }),
  "hex",
);

/** Signed all the same: what a program with a fault of its own could have made. */
function signedAnew(bytes: Buffer): Buffer {
  const fields = bytes.subarray(0, 96);
  return Buffer.concat([fields, createHmac("sha256", secret).update(fields).digest()]);
}

/** Gives `bytes` in pieces, then ends. */
class BytesStream implements Pick<Stream, "recv"> {
  #left: Uint8Array;
  readonly #dice: Dice;

  constructor(bytes: Uint8Array, dice: Dice) {
    this.#left = bytes;
    this.#dice = dice;
  }

  recv(memory: { readonly u8: Uint8Array }, at: number, length: number): number {
    if (this.#left.length === 0) return ENDED;
    if (this.#dice.percent(10)) return WOULD_BLOCK;
    const count = Math.min(length, this.#left.length, this.#dice.between(1, 3000));
    memory.u8.set(this.#left.subarray(0, count), at);
    this.#left = this.#left.subarray(count);
    return count;
  }
}

function readFrames(dice: Dice): void {
  const frames = Array.from({ length: dice.between(1, 5) }, (_, tag) => {
    const value = { text: "x".repeat(dice.pick([0, 10, 5000, 20_000])) };
    const frame = dice.percent(50) ? commandFrame(tag, value) : answerFrame(tag, 0, value, dice.percent(10));
    return dice.percent(70) ? (frame as Uint8Array) : mutated(frame as Uint8Array, dice);
  });
  const stream = new BytesStream(Buffer.concat(frames), dice) as unknown as Stream;
  const reader = new FrameReader(new SimMemory(), dice.pick([4096, 1 << 20]));
  for (let payload = reader.next(stream); payload !== ENDED; payload = reader.next(stream)) {
    if (payload !== WOULD_BLOCK) parsePayload(payload);
  }
}

/** A message about an epoch, as a client sends it. */
function epochMessage(dice: Dice): EpochMessage {
  const some = <T>(make: () => T): T[] => Array.from({ length: dice.between(0, 3) }, make);
  const participant = () => ({ target: "d".repeat(32), worker: dice.between(0, 3) });
  return {
    kind: dice.between(1, 9),
    stable: dice.percent(50),
    name: {
      incarnation: "e".repeat(32),
      session: dice.next(),
      secret: "5e".repeat(8),
      sequence: dice.next(),
    },
    decider: participant(),
    reads: some(() => ({ handle: 1, at: dice.next(), version: dice.next() })),
    writes: some(() => ({ handle: 1, at: dice.next(), bytes: anyBytes(dice, 40) })),
    others: some(participant),
  };
}

const METHODS = Object.keys(CALLS) as (keyof typeof CALLS)[];

/** What wire/ and rpc/ read. */
export const WIRE_DECODERS: readonly Decoder[] = [
  {
    name: "capability",
    covers: ["openCapability"],
    codes: ["ERR_CAPABILITY", "ERR_VERSION"],
    attempt(dice) {
      const bytes = mutated(VALID, dice);
      const hex = (dice.percent(60) ? signedAnew(bytes) : bytes).toString("hex");
      return openCapability(secret, dice.percent(95) ? hex : anyText(dice));
    },
  },
  {
    name: "frames of a control channel",
    covers: ["FrameReader", "checkedPayloadBytes", "parsePayload"],
    codes: ["ERR_PROTOCOL", "ERR_VERSION"],
    attempt: readFrames,
  },
  {
    name: "one header of a control channel",
    covers: ["checkedPayloadBytes"],
    codes: ["ERR_PROTOCOL", "ERR_VERSION"],
    attempt(dice) {
      const header = new Uint8Array(64);
      header.set(mutated((commandFrame(1, {}) as Uint8Array).subarray(0, 64), dice).subarray(0, 64));
      return checkedPayloadBytes(new Int32Array(header.buffer), 4096);
    },
  },
  {
    name: "a message about an epoch",
    covers: ["decodeEpochMessage"],
    codes: ["ERR_PROTOCOL"],
    attempt(dice) {
      const payload = mutated(encodeEpochMessage(epochMessage(dice)), dice);
      for (const { bytes } of decodeEpochMessage(payload).writes) {
        const from = bytes.byteOffset - payload.byteOffset;
        const isInside =
          bytes.buffer === payload.buffer && from >= 0 && from + bytes.length <= payload.length;
        if (!isInside) throw new Error("an epoch writes what was not sent");
      }
    },
  },
  {
    name: "a queue that is to be opened, and what queues tell",
    covers: ["decodeQueue", "decodeNotice"],
    codes: [],
    attempt(dice) {
      const queue = {
        at: dice.between(0, 9999),
        length: dice.between(0, 9999),
        number: dice.between(0, 9),
        capacity: dice.pick([undefined, dice.between(0, 99)]),
        tag: dice.pick([undefined, dice.next()]),
        source: dice.pick([undefined, "e".repeat(64)]),
        onBoard: dice.percent(30),
      };
      const bytes = mutated(encodeQueue(queue), dice);
      const found = decodeQueue(bytes);
      if (found !== undefined && bytes.length !== QUEUE_BYTES) throw new Error("a queue out of too little");
      const notices = anyBytes(dice, 300);
      const count = Math.floor(notices.length / NOTICE_BYTES);
      for (let place = 0; place < count; place += 1) {
        const { source, ...numbers } = decodeNotice(notices, place);
        const isRight = source.length === 64 && Object.values(numbers).every((number) => number >= 0);
        if (!isRight) throw new Error("a notice that says what none can say");
      }
    },
  },
  {
    name: "parameters and results of every call",
    covers: ["CALLS"],
    codes: [],
    attempt(dice) {
      const schema = CALLS[dice.pick(METHODS)][dice.between(0, 1)] as v.GenericSchema;
      const sample = sampleOf(schema, dice);
      const value = dice.percent(20) ? sample : mutatedValue(sample, dice);
      return v.safeParse(schema, value).success;
    },
  },
  {
    name: "the failure that an answer brings",
    covers: ["failureOf"],
    codes: [],
    attempt(dice) {
      const sample = { message: "m", applied: "no", path: "/p", target: "t" };
      return failureOf(dice.between(0, 0xffff), mutatedValue(sample, dice));
    },
  },
  {
    name: "proofs",
    covers: ["originProofHolds", "proofsEqual"],
    codes: [],
    attempt(dice) {
      const text = (most: number): string =>
        dice.percent(90) ? anyBytes(dice, most).toString("hex") : anyText(dice);
      const transcript = {
        role: "origin",
        service: "target",
        id: text(16),
        callerNonce: text(32),
        serviceNonce: text(32),
      } as const;
      if (proofsEqual(text(32), `${text(32)}00`)) return;
      if (originProofHolds(text(32), text(64), transcript))
        throw new Error("an origin's proof out of nothing");
    },
  },
];
