import { OPCODE } from "../../src/wire/header.ts";
import { encodeQueue } from "../../src/wire/notifications.ts";
import { OPS, opFlags, WORDS } from "../../src/wire/ops.ts";
import { type Batch, batchOf } from "./steady-client.ts";
import { command } from "./worker-fixture.ts";

const add = (word: "i32" | "i64"): number => opFlags(OPS.indexOf("add"), WORDS.indexOf(word));

const get = (offset: number, length: number): Uint8Array =>
  command({ opcode: OPCODE.GET, handle: 1, offset, length });

const put = (offset: number, length: number): Uint8Array =>
  length <= 8
    ? command({ opcode: OPCODE.PUT, handle: 1, offset, length, operand: 5n })
    : command({ opcode: OPCODE.PUT, handle: 1, offset, length, payload: new Uint8Array(length).fill(3) });

/** Bytes of a region that all loads fit into. */
export const LOAD_BYTES: number = 16 << 20;

/** Opens a queue that counts what those notify, of all of the region. */
export const COUNTING: Batch = batchOf(
  1,
  () => {
    const queue = {
      at: 0,
      length: LOAD_BYTES,
      number: 1,
      capacity: undefined,
      tag: undefined,
      source: undefined,
    };
    const payload = encodeQueue(queue);
    return command({ opcode: OPCODE.QUEUE_OPEN, handle: 1, length: payload.length, payload });
  },
  0,
);

/** Loads of one kind each, by name. */
export const LOADS: Readonly<Record<string, (depth: number) => Batch>> = {
  "get 8 B": (depth) => batchOf(depth, (i) => get(i * 8, 8), 0),
  "get 4 B": (depth) => batchOf(depth, (i) => get(i * 8, 4), 0),
  "put 8 B": (depth) => batchOf(depth, (i) => put(i * 8, 8), 0),
  "put 4 B": (depth) => batchOf(depth, (i) => put(i * 8, 4), 0),
  "get 4 KiB": (depth) => batchOf(depth, (i) => get(i * 4096, 4096), 4096),
  "put 4 KiB": (depth) => batchOf(depth, (i) => put(i * 4096, 4096), 0),
  "put 100 B": (depth) => batchOf(depth, (i) => put(i * 128, 100), 0),
  "put and notify 8 B": (depth) =>
    batchOf(
      depth,
      (i) => command({ opcode: OPCODE.PUT_NOTIFY, handle: 1, offset: i * 8, length: 8, notification: i }),
      0,
    ),
  "add i32": (depth) =>
    batchOf(
      depth,
      (i) =>
        command({
          opcode: OPCODE.FETCH_OP,
          flags: add("i32"),
          handle: 1,
          offset: i * 4,
          length: 4,
          operand: 1n,
        }),
      0,
    ),
  "add i64": (depth) =>
    batchOf(
      depth,
      (i) =>
        command({
          opcode: OPCODE.FETCH_OP,
          flags: add("i64"),
          handle: 1,
          offset: i * 8,
          length: 8,
          operand: 1n,
        }),
      0,
    ),
  "swap i32": (depth) =>
    batchOf(
      depth,
      (i) => command({ opcode: OPCODE.COMPARE_AND_SWAP, flags: 2, handle: 1, offset: i * 4, length: 4 }),
      0,
    ),
};
