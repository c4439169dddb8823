/** What one loss of power did to bytes that no sync had covered, as far as the disk knows. */
export interface DiskLoss {
  /** There were such bytes: sectors of objects with a name, other than they were durable. */
  readonly unsynced: boolean;
  /** Of these some are gone. */
  readonly lost: boolean;
  /** Of those of one object some are gone, and some are there. */
  readonly torn: boolean;
  /** Of two changes of one object, of which the disk knows which came first, there is the later one, and not the earlier one. */
  readonly reordered: boolean;
}

export type PowerLossCounts = Readonly<Record<"losses" | keyof DiskLoss, number>>;

export const NOTHING_LOST: DiskLoss = { unsynced: false, lost: false, torn: false, reordered: false };

/** What became of several objects, or disks. */
export function joinedLoss(losses: readonly DiskLoss[]): DiskLoss {
  const some = (what: keyof DiskLoss): boolean => losses.some((loss) => loss[what]);
  return { unsynced: some("unsynced"), lost: some("lost"), torn: some("torn"), reordered: some("reordered") };
}

/** How many machines have lost power, and of how many of these losses each of DiskLoss is true. */
export function countLosses(losses: readonly DiskLoss[]): PowerLossCounts {
  const count = (what: keyof DiskLoss): number => losses.filter((loss) => loss[what]).length;
  return {
    losses: losses.length,
    unsynced: count("unsynced"),
    lost: count("lost"),
    torn: count("torn"),
    reordered: count("reordered"),
  };
}

export function describeLosses({ losses, unsynced, lost, torn, reordered }: PowerLossCounts): string {
  return `${losses} losses of power, ${unsynced} with bytes that no sync had covered: ${lost} lost some, ${torn} tore an object, ${reordered} left a later change without an earlier one`;
}
