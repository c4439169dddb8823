/** What a command's flags say. Words and operators by number: structs/words.ts. */
export { OPS, WORD_BYTES, WORDS } from "../structs/words.ts";

/** What FLUSH asks for, in its flags. */
export const FLUSH_MEMORY = 0;
export const FLUSH_STABLE = 1;

/** What PUT_NOTIFY says, in its flags: its bytes are in place, stored to a mapping, and do not come with it. */
export const NOTIFY_PLACED = 1;

/** What LOCK asks for, in its flags: nobody else may hold a lock on any of these bytes. */
export const LOCK_EXCLUSIVE = 1;

/** What WORD_WAIT asks for, in its flags: the waits for that word end. */
export const WORD_WAIT_END = 1;

export function opFlags(op: number, word: number): number {
  return (op << 4) | word;
}

export function flagsWord(flags: number): number {
  return flags & 15;
}

export function flagsOp(flags: number): number {
  return flags >>> 4;
}
