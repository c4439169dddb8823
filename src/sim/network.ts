import {
  type Address,
  type Credentials,
  type Listener,
  type Network,
  type Stream,
  WOULD_BLOCK,
} from "../ports/network.ts";
import { DidafsError } from "../std/errors.ts";
import { SimRandom } from "./random.ts";
import { deadStream, SimStream } from "./stream.ts";

export interface SimNetworkOptions {
  /** With a seed, sends and receives move a random part of what they could, and now and then nothing. */
  readonly seed?: number;
  /** Bytes that a stream holds in each direction before a send would block. */
  readonly bufferBytes?: number;
  /** What both ends of unix streams learn of each other. */
  readonly credentials?: Credentials;
}

const FIRST_EPHEMERAL_PORT = 40_000;

/**
 * A network inside one thread. Bytes arrive at once and in order; everything that varies comes from the seed, so the
 * same calls give the same run. A passed descriptor keeps its number.
 */
export class SimNetwork implements Network {
  readonly #listeners = new Map<string, SimListener>();
  readonly #streams = new Map<number, SimStream>();
  readonly #random: SimRandom | undefined;
  readonly #bufferBytes: number;
  readonly #credentials: Credentials;
  #nextDescriptor = 1000;
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(options: SimNetworkOptions = {}) {
    this.#random = options.seed === undefined ? undefined : new SimRandom(options.seed);
    this.#bufferBytes = options.bufferBytes ?? 256 * 1024;
    this.#credentials = options.credentials ?? { pid: 1, uid: 1000 };
  }

  listen(address: Address): Listener {
    const bound: Address =
      address.kind === "tcp" && address.port === 0 ? { ...address, port: this.#nextPort++ } : address;
    const name = nameOf(bound);
    if (this.#listeners.has(name)) {
      throw new DidafsError("ERR_PORT_IN_USE", `${name} already has a listener`);
    }
    const listener = new SimListener(bound, this.#nextDescriptor++, () => this.#listeners.delete(name));
    this.#listeners.set(name, listener);
    return listener;
  }

  connect(address: Address, options: { acceptDescriptors?: boolean } = {}): Stream {
    const listener = this.#listeners.get(nameOf(address));
    if (listener === undefined) return deadStream(this.#nextDescriptor++);
    const [near, far] = this.pair(address.kind, options.acceptDescriptors ?? false);
    listener.waiting.push(far);
    return near;
  }

  /** Both ends of a connection without a listener; the first is the one that connected. */
  pair(kind: Address["kind"], acceptDescriptors = false): [SimStream, SimStream] {
    const shared = {
      bufferBytes: this.#bufferBytes,
      part: (most: number) => this.#part(most),
      credentials: kind === "unix" ? this.#credentials : undefined,
    };
    const near = new SimStream(this.#nextDescriptor++, shared, acceptDescriptors);
    const far = new SimStream(this.#nextDescriptor++, shared, false);
    near.join(far);
    this.#streams.set(near.descriptor, near);
    this.#streams.set(far.descriptor, far);
    return [near, far];
  }

  adopt(descriptor: number): Stream {
    const stream = this.#streams.get(descriptor);
    if (stream === undefined) throw new DidafsError("ERR_IO", `${descriptor} is no stream`);
    return stream;
  }

  #part(most: number): number {
    if (this.#random === undefined) return most;
    // One in eight finds nothing, as a real socket does while the other side is still at work.
    return this.#random.between(0, 7) === 0 ? WOULD_BLOCK : this.#random.between(1, most);
  }
}

class SimListener implements Listener {
  readonly address: Address;
  readonly descriptor: number;
  readonly waiting: SimStream[] = [];
  readonly #forget: () => void;

  constructor(address: Address, descriptor: number, forget: () => void) {
    this.address = address;
    this.descriptor = descriptor;
    this.#forget = forget;
  }

  accept(): Stream | undefined {
    return this.waiting.shift();
  }

  close(): void {
    this.#forget();
    for (const stream of this.waiting.splice(0)) stream.close();
  }
}

function nameOf(address: Address): string {
  return address.kind === "tcp" ? `tcp ${address.host}:${address.port}` : `unix ${address.name}`;
}
