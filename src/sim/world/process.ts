import type { HostNetwork } from "../host-network.ts";
import type { SimRandom } from "../random.ts";
import { SimThread, type ThreadBody } from "./thread.ts";

/** One life of a process: its threads, what it holds of the network, and how it ends. */
export class SimProcess {
  readonly name: string;
  readonly network: HostNetwork;
  readonly threads: readonly SimThread[];
  /** What its end does besides: the engine of the metadata crashes, files are closed. */
  readonly #onEnd: () => void;
  /** Nothing of it runs before that time; never again where it is Infinity, and it has not ended. */
  pausedUntilMs = 0;
  /** Its steps take so many times as long. */
  slowness = 1;
  ended = false;
  /** How often it was stopped. */
  pauses = 0;

  constructor(
    name: string,
    network: HostNetwork,
    bodies: readonly ThreadBody[],
    random: SimRandom,
    nowMs: number,
    onEnd: () => void,
  ) {
    this.name = name;
    this.network = network;
    this.threads = bodies.map((body) => new SimThread(body, random, nowMs));
    this.#onEnd = onEnd;
  }

  get machine(): string {
    return this.network.machine;
  }

  /** The process is killed: its memory is gone, the kernel closes its streams. */
  kill(): void {
    if (this.ended) return;
    this.ended = true;
    this.network.end();
    this.#onEnd();
  }

  /** It ends with its machine. */
  fall(): void {
    if (this.ended) return;
    this.ended = true;
    this.#onEnd();
  }
}
