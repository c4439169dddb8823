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
import { type Route, SimStream } from "./stream.ts";

export interface SimNetworkOptions {
  /** With a seed, sends and receives move a random part of what they could, and now and then nothing. */
  readonly seed?: number;
  /** How often that is; default: always. */
  readonly cutRate?: number;
  /** Bytes that a stream holds in each direction before a send would block. */
  readonly bufferBytes?: number;
  /** What both ends of unix streams learn of each other. */
  readonly credentials?: Credentials;
  /** How long bytes travel between machines, and whether they do; without it they are there at once. */
  readonly weather?: Weather;
  /** Told of all that is sent: the number of the sending end, and a description of the bytes. */
  readonly tap?: (descriptor: number, bytes: string) => void;
}

/** What the ways between machines are like. */
export interface Weather {
  /** @returns the way of one new connection, in that direction */
  route(from: string, to: string): Route;
}

const FIRST_EPHEMERAL_PORT = 40_000;

/**
 * A network inside one thread. Bytes arrive in order, and at once where there is no weather; everything that varies comes
 * from the seed, so the same calls give the same run. A passed descriptor keeps its number.
 */
export class SimNetwork implements Network {
  readonly #listeners = new Map<string, SimListener>();
  readonly #streams = new Map<number, SimStream>();
  readonly #random: SimRandom | undefined;
  readonly #bufferBytes: number;
  readonly #credentials: Credentials;
  readonly #weather: Weather | undefined;
  readonly #tap: SimNetworkOptions["tap"];
  readonly #cutRate: number;
  /** Ends on machines without power, which say nothing. */
  readonly #silent = new Map<string, SimStream[]>();
  #nextDescriptor = 1000;
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(options: SimNetworkOptions = {}) {
    this.#random = options.seed === undefined ? undefined : new SimRandom(options.seed);
    this.#bufferBytes = options.bufferBytes ?? 256 * 1024;
    this.#credentials = options.credentials ?? { pid: 1, uid: 1000 };
    this.#weather = options.weather;
    this.#tap = options.tap;
    this.#cutRate = options.cutRate ?? 1;
  }

  listen(address: Address): SimListener {
    return this.listenOn("", address);
  }

  connect(address: Address, options: { acceptDescriptors?: boolean } = {}): SimStream {
    return this.connectFrom("", address, options)[0];
  }

  /** What is called on a machine. Names of unix sockets are its own; hosts are names of machines. */
  listenOn(machine: string, address: Address): SimListener {
    const bound: Address =
      address.kind === "tcp" && address.port === 0 ? { ...address, port: this.#nextPort++ } : address;
    const name = nameOf(machine, bound);
    if (this.#listeners.has(name)) {
      throw new DidafsError("ERR_PORT_IN_USE", `${name} already has a listener`);
    }
    const listener = new SimListener(bound, machine, this.#nextDescriptor++, () =>
      this.#listeners.delete(name),
    );
    this.#listeners.set(name, listener);
    return listener;
  }

  /** @returns both ends */
  connectFrom(
    machine: string,
    address: Address,
    options: { acceptDescriptors?: boolean; pid?: number | undefined } = {},
  ): [SimStream, SimStream] {
    const listener = this.#listeners.get(nameOf(machine, address));
    const host = this.#weather !== undefined && address.kind === "tcp" ? address.host : machine;
    const ways =
      this.#weather && ([this.#weather.route(machine, host), this.#weather.route(host, machine)] as const);
    const ends = this.pair(address.kind, options.acceptDescriptors ?? false, ways, options.pid);
    const [, far] = ends;
    const silent = this.#silent.get(host);
    if (silent !== undefined) {
      far.silence();
      silent.push(far);
    } else if (listener === undefined) far.close();
    else listener.knock(far, ways?.[0]);
    return ends;
  }

  /** Both ends of a connection without a listener; the first is the one that connected. */
  pair(
    kind: Address["kind"],
    acceptDescriptors = false,
    ways?: readonly [there: Route, back: Route],
    pid: number = this.#credentials.pid,
  ): [SimStream, SimStream] {
    const shared = {
      bufferBytes: this.#bufferBytes,
      part: (most: number) => this.#part(most),
      credentials: kind === "unix" ? { ...this.#credentials, pid } : undefined,
      tap: this.#tap,
    };
    const near = new SimStream(this.#nextDescriptor++, shared, acceptDescriptors, ways?.[0]);
    const far = new SimStream(this.#nextDescriptor++, shared, false, ways?.[1]);
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

  /** The machine loses power: nobody on it says anything any more, until `powerOn`. */
  powerOff(machine: string, streams: Iterable<SimStream>): void {
    const silent = [...streams];
    for (const stream of silent) stream.silence();
    for (const listener of [...this.#listeners.values()]) {
      if (listener.machine !== machine) continue;
      const knocking = listener.vanish();
      for (const stream of knocking) stream.silence();
      silent.push(...knocking);
    }
    this.#silent.set(machine, silent);
  }

  /** It is back, and knows of no connection. */
  powerOn(machine: string): void {
    const silent = this.#silent.get(machine);
    this.#silent.delete(machine);
    for (const stream of silent ?? []) stream.disown();
  }

  #part(most: number): number {
    if (this.#random === undefined || (this.#cutRate < 1 && !this.#random.chance(this.#cutRate))) return most;
    // One in eight finds nothing, as a real socket does while the other side is still at work.
    return this.#random.between(0, 7) === 0 ? WOULD_BLOCK : this.#random.between(1, most);
  }
}

interface Knocking {
  readonly stream: SimStream;
  /** When the listener hears of it. */
  readonly passesMs: () => number;
  readonly nowMs: () => number;
}

export class SimListener implements Listener {
  readonly address: Address;
  readonly machine: string;
  readonly descriptor: number;
  readonly starved = false;
  readonly #waiting: Knocking[] = [];
  readonly #forget: () => void;

  constructor(address: Address, machine: string, descriptor: number, forget: () => void) {
    this.address = address;
    this.machine = machine;
    this.descriptor = descriptor;
    this.#forget = forget;
  }

  get readable(): boolean {
    return this.#waiting.some(({ passesMs, nowMs }) => passesMs() <= nowMs());
  }

  /** @returns when there is somebody to be taken in */
  readableMs(): number {
    let readableMs = Number.POSITIVE_INFINITY;
    for (const { passesMs } of this.#waiting) readableMs = Math.min(readableMs, passesMs());
    return readableMs;
  }

  /** @param there the way of what the other end sends */
  knock(stream: SimStream, there: Route | undefined): void {
    const arrivesMs = there?.arrivalMs() ?? 0;
    this.#waiting.push({
      stream,
      passesMs: () => there?.passesMs(arrivesMs) ?? 0,
      nowMs: () => there?.nowMs ?? 0,
    });
  }

  accept(): SimStream | undefined {
    const at = this.#waiting.findIndex(({ passesMs, nowMs }) => passesMs() <= nowMs());
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]?.stream;
  }

  close(): void {
    for (const stream of this.vanish()) stream.close();
  }

  /** Is gone without a word. @returns who waited */
  vanish(): SimStream[] {
    this.#forget();
    return this.#waiting.splice(0).map(({ stream }) => stream);
  }
}

function nameOf(machine: string, address: Address): string {
  return address.kind === "tcp"
    ? `tcp ${address.host}:${address.port}`
    : `unix ${address.name}${machine === "" ? "" : ` on ${machine}`}`;
}
