import type { Address, Network, Stream } from "../ports/network.ts";
import type { SimListener, SimNetwork } from "./network.ts";
import type { SimProcesses } from "./processes.ts";
import type { SimStream } from "./stream.ts";

/** The network as one process on one machine has it: what the process holds goes with it. */
export class HostNetwork implements Network {
  readonly machine: string;
  readonly #pid: number | undefined;
  readonly #processes: SimProcesses | undefined;
  readonly #network: SimNetwork;
  readonly #listeners = new Set<SimListener>();
  readonly #streams = new Set<SimStream>();
  #ended = false;

  /** @param processes which this one is one of, where somebody asks */
  constructor(network: SimNetwork, machine: string, processes?: SimProcesses) {
    this.#network = network;
    this.machine = machine;
    this.#processes = processes;
    this.#pid = processes?.begin();
  }

  /** What is open at this moment. */
  get streams(): SimStream[] {
    for (const stream of this.#streams) if (stream.closed) this.#streams.delete(stream);
    return [...this.#streams];
  }

  listen(address: Address): SimListener {
    const listener = this.#network.listenOn(this.machine, address);
    this.#listeners.add(listener);
    const { accept } = listener;
    listener.accept = () => {
      const stream = accept.call(listener);
      if (stream !== undefined) this.#streams.add(stream);
      return stream;
    };
    return listener;
  }

  connect(address: Address, options: { acceptDescriptors?: boolean } = {}): Stream {
    const [near] = this.#network.connectFrom(this.machine, address, { ...options, pid: this.#pid });
    this.#streams.add(near);
    // Of a process that has ended nothing leaves.
    if (this.#ended) near.close();
    return near;
  }

  adopt(descriptor: number): Stream {
    return this.#network.adopt(descriptor);
  }

  /** The process ends: the kernel closes all that it had open. */
  end(): void {
    this.#endProcess();
    for (const listener of this.#listeners) listener.close();
    for (const stream of this.#streams) stream.close();
  }

  /** The process ends with its machine: nobody is told. @returns what it had open */
  fall(): SimStream[] {
    this.#endProcess();
    return this.streams;
  }

  #endProcess(): void {
    this.#ended = true;
    if (this.#pid !== undefined) this.#processes?.end(this.#pid);
  }
}
