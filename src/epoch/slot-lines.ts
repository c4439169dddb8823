/** What is found where nobody stands. */
export const NOBODY = -1;

/** Who came first and who came last, by slot. */
export class SlotLine {
  first: number = NOBODY;
  last: number = NOBODY;
}

/** A fixed number of slots, each free or in one of many lines. What a slot stands for is its user's; nothing is allocated. */
export class SlotLines {
  /** Slots that are free. */
  freeCount: number;
  /** By slot: the next one in its line, or among the free ones. */
  readonly #behind: Int32Array;
  #free = 0;

  constructor(slotCount: number) {
    this.freeCount = slotCount;
    this.#behind = Int32Array.from({ length: slotCount }, (_, slot) =>
      slot + 1 < slotCount ? slot + 1 : NOBODY,
    );
  }

  /** Puts a free slot at the line's end; there must be one. @returns it */
  join(line: SlotLine): number {
    const slot = this.#free;
    this.#free = this.#behind[slot] as number;
    this.freeCount -= 1;
    this.#behind[slot] = NOBODY;
    if (line.last === NOBODY) line.first = slot;
    else this.#behind[line.last] = slot;
    line.last = slot;
    return slot;
  }

  /** Frees the first slot of a line that has one. */
  leaveFirst(line: SlotLine): void {
    this.#free = this.#takeOut(line, line.first, NOBODY);
  }

  /** Frees all slots for which `isOver` returns true, which may look at them for the last time. The others keep their order. */
  leaveWhere(line: SlotLine, isOver: (slot: number) => boolean): void {
    let before = NOBODY;
    for (let slot = line.first; slot !== NOBODY; ) {
      const next = this.#behind[slot] as number;
      if (isOver(slot)) this.#free = this.#takeOut(line, slot, before);
      else before = slot;
      slot = next;
    }
  }

  /** @returns the slot, now the first of the free ones */
  #takeOut(line: SlotLine, slot: number, before: number): number {
    const next = this.#behind[slot] as number;
    if (before === NOBODY) line.first = next;
    else this.#behind[before] = next;
    if (line.last === slot) line.last = before;
    this.#behind[slot] = this.#free;
    this.freeCount += 1;
    return slot;
  }
}
