/** The files of the writers of epochs: groups of words, one word on each target, that epochs write together. */
export const TARGETS = 3;
export const STRIPE_UNIT = 4096;
const GROUPS = 4;
export const GROUPED_BYTES: number = GROUPS * TARGETS * STRIPE_UNIT;

/** What the only writer of a group knows of its epochs, which it numbers from 1 on. */
export interface GroupRecord {
  /** The last one that was begun, and the last one that was acknowledged. */
  begun: number;
  acknowledged: number;
  /** Those after the last acknowledged one of which it was said that they have no effect. */
  void: number[];
}

export function newGroups(): GroupRecord[] {
  return Array.from({ length: GROUPS }, () => ({ begun: 0, acknowledged: 0, void: [] }));
}

/** Where its words lie. */
export function placesOf(group: number): number[] {
  return Array.from({ length: TARGETS }, (_, target) => (group * TARGETS + target) * STRIPE_UNIT + 8 * group);
}

/**
 * Who writes a group alone knows exactly what may be there: all of one epoch, the last acknowledged one or a later one.
 * @param found its words @returns what is wrong with them
 */
export function groupFault(group: number, found: readonly number[], record: GroupRecord): string | undefined {
  const { begun, acknowledged } = record;
  const [epoch = 0] = found;
  if (found.some((one) => one !== epoch)) return `group ${group} was torn: ${found}`;
  const is = `group ${group} is as epoch ${epoch} left it`;
  if (epoch < acknowledged) return `${is}, and epoch ${acknowledged} was acknowledged: it is lost`;
  if (epoch > begun) return `${is}, and none after ${begun} was begun`;
  return record.void.includes(epoch) ? `${is}, which was said to have no effect` : undefined;
}
