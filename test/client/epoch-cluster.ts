import type { Cluster, DidafsWindow } from "../../src/client/api.ts";
import { SimCluster } from "../sim/sim-cluster.ts";

export const UNIT = 4096;
export const SIZE = 16 * UNIT;
/** Words on different lines, by turns on the two targets. */
export const [A, B, C] = [0, UNIT, 2 * UNIT] as const;
const DRIVE_BYTES = 2 ** 25;
const CREATE = { create: true, size: SIZE, targets: 2, stripeUnit: UNIT } as const;

/** A cluster of two targets in one thread, and clients with a window on the same file. */
export interface EpochCluster {
  readonly sim: SimCluster;
  readonly clients: [Cluster, ...Cluster[]];
  readonly windows: [DidafsWindow, ...DidafsWindow[]];
  /** Steps everybody until the promise has settled. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** What the first client reads there, by no epoch. */
  words(...at: number[]): Promise<number[]>;
}

export async function startEpochCluster(
  transports: readonly ("direct" | "tcp")[] = ["tcp"],
): Promise<EpochCluster> {
  const sim = await SimCluster.start(2, 7, DRIVE_BYTES);
  const clients: Cluster[] = [];
  const windows: DidafsWindow[] = [];
  for (const transport of transports) {
    const client = await sim.connect(transport);
    const file = await sim.settle(client.open("/epochs", CREATE));
    clients.push(client);
    windows.push(await sim.settle(file.window({ rights: "rw" })));
  }
  const run = <T>(promise: Promise<T>): Promise<T> => sim.settle(promise);
  const words = (...at: number[]): Promise<number[]> =>
    run(Promise.all(at.map((one) => (windows[0] as DidafsWindow).load(one))));
  return {
    sim,
    run,
    words,
    clients: clients as [Cluster, ...Cluster[]],
    windows: windows as [DidafsWindow, ...DidafsWindow[]],
  };
}
