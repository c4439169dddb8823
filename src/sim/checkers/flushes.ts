import type { Operation } from "../history.ts";

/**
 * Durability of flushes: what one writer put into a cell, and flushed, is there after a loss of power, and what it put is
 * there as long as there is none; unless it was overwritten later by something that may be applied. A cell is a run of
 * bytes inside one sector and one stripe unit; its bytes say which put they are of.
 *
 * Does not verify: that reads agree with each other on what unknown puts have done; the order of puts to different cells;
 * which of several possible puts a byte is of, where their bytes are alike.
 */
export type CellInput =
  | { readonly op: "put"; readonly stamp: number; readonly window: string }
  | { readonly op: "flush"; readonly window: string }
  | { readonly op: "loss" }
  | { readonly op: "read" };

/** Of a read: the cell's bytes. */
export type CellOutput = readonly number[] | null;

export type CellOperation = Operation<CellInput, CellOutput>;

/** The byte at `index` of a cell whose number is `cell`, by the put with that stamp; 0 of none. */
export function stampByte(stamp: number, cell: number, index: number): number {
  if (stamp === 0) return 0;
  let mixed =
    Math.imul(stamp, 0x9e3779b1) ^ Math.imul(cell + 1, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) & 255;
}

/** @param operations of one cell, whose puts follow each other @returns what is wrong, if anything */
export function checkCell(cell: number, operations: readonly CellOperation[]): string | undefined {
  for (const read of operations) {
    if (read.input.op !== "read" || read.outcome !== "done") continue;
    const allowed = allowedStamps(read, operations);
    const bytes = read.output as readonly number[];
    const index = bytes.findIndex(
      (byte, at) => !allowed.some((stamp) => stampByte(stamp, cell, at) === byte),
    );
    if (index >= 0) {
      return `byte ${index} of cell ${cell} is ${bytes[index]} for ${read.client}; it is of none of the puts ${allowed.join(", ")}`;
    }
  }
  return undefined;
}

function allowedStamps(read: CellOperation, operations: readonly CellOperation[]): number[] {
  const loss = lastLoss(read, operations);
  const floor = Math.max(
    0,
    ...operations.map((put) => {
      if (put.input.op !== "put" || put.outcome !== "done" || put.returned > read.invoked) return 0;
      const survives = put.invoked > loss || flushedBy(put, loss, operations);
      return survives ? put.input.stamp : 0;
    }),
  );
  const allowed = [floor];
  for (const { input, outcome, invoked } of operations) {
    if (input.op !== "put" || outcome === "not done" || invoked > read.returned || input.stamp === floor)
      continue;
    if (input.stamp > floor || outcome === "unknown") allowed.push(input.stamp);
  }
  return allowed;
}

/** The last loss of power that the read may have come after. */
function lastLoss(read: CellOperation, operations: readonly CellOperation[]): number {
  const losses = operations.filter(({ input, invoked }) => input.op === "loss" && invoked < read.returned);
  return Math.max(0, ...losses.map(({ invoked }) => invoked));
}

/** Its window was flushed after it and before the loss. */
function flushedBy(put: CellOperation, loss: number, operations: readonly CellOperation[]): boolean {
  const { window } = put.input as Extract<CellInput, { op: "put" }>;
  return operations.some(
    ({ input, outcome, invoked, returned }) =>
      input.op === "flush" &&
      input.window === window &&
      outcome === "done" &&
      invoked > put.returned &&
      returned < loss,
  );
}
