import { randomInt } from "node:crypto";

/** Not a multiple of the stripe unit, so that blocks lie across targets. */
const SLOT_BYTES = 20_000;
const BLOCK_BYTES_MIN = 512;
export const STRIPE_UNIT = 8192;

export interface Place {
  readonly at: number;
  readonly length: number;
}

export function fileBytes(slots: number): number {
  return slots * SLOT_BYTES;
}

/** A place in each slot, at a random offset and of a random length; the slots in random order. */
export function randomPlaces(slots: number): Place[] {
  const order = Uint32Array.from({ length: slots }, (_, index) => index);
  for (let i = slots - 1; i > 0; i--) {
    const other = randomInt(i + 1);
    [order[i], order[other]] = [order[other] as number, order[i] as number];
  }
  return Array.from(order, (slot) => {
    const length = randomInt(BLOCK_BYTES_MIN, SLOT_BYTES + 1);
    return { at: slot * SLOT_BYTES + randomInt(SLOT_BYTES - length + 1), length };
  });
}
