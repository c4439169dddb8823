import { SimClock } from "../../src/sim/clock.ts";
import { SimTurns } from "../../src/sim/turns.ts";
import { DataConnection } from "../../src/transport/data-connection.ts";
import { Pump } from "../../src/transport/pump.ts";
import { RemoteAccess } from "../../src/transport/remote-access.ts";
import { SessionState } from "../../src/transport/session-state.ts";
import { Transfer } from "../../src/transport/transfer.ts";
import { Turnstile } from "../../src/transport/turnstile.ts";
import { READ_WRITE, WorkerFixture, type WorkerFixtureOptions } from "../target/worker-fixture.ts";

const SESSION = 7;
const HANDLE = 1;
const INODE = 5;

/** The origin's end of a data connection to the real data plane, in one thread: whoever waits steps the worker. */
export class OriginFixture {
  readonly clock = new SimClock();
  readonly turns = new SimTurns(this.clock);
  readonly worker: WorkerFixture;
  readonly connection: DataConnection;
  readonly session = new SessionState(new SharedArrayBuffer(4), "target");
  readonly access: RemoteAccess;
  /** The region's bytes as the target has them. */
  readonly region: Uint8Array;
  /** Set to keep the worker from being stepped by whoever waits. */
  workerPaused = false;
  readonly #armed: DataConnection[] = [];
  readonly #pump: Pump;

  constructor(regionBytes: number, timeoutMs: number, options: WorkerFixtureOptions = {}) {
    this.worker = new WorkerFixture(options);
    const token = this.worker.openSession(SESSION);
    const region = this.worker.createRegion(INODE, regionBytes);
    this.region = region.bytes;
    const range = { at: 0, byteLength: regionBytes };
    this.worker.bind(
      SESSION,
      HANDLE,
      { inode: INODE, ...region, byteLength: regionBytes },
      range,
      READ_WRITE,
    );
    const stream = this.worker.network.connect({ kind: "tcp", host: "127.0.0.1", port: 7000 });
    const idler = { yield: () => this.#step(), waitReadable: () => this.#step() };
    this.connection = new DataConnection(stream, this.worker.memory);
    this.connection.hello(new Transfer(), SESSION, token);
    this.#pump = new Pump(this.turns, this.clock, idler, (connection) => this.#armed.push(connection));
    const { connection, session, clock } = this;
    const notifying = new Turnstile();
    const link = {
      connection,
      session,
      pump: this.#pump,
      clock,
      idler,
      memory: this.worker.memory,
      notifying,
    };
    this.access = new RemoteAccess(link, "tcp", HANDLE, timeoutMs);
  }

  /** Turns the event loop, steps the worker and wakes what was armed, until `promise` has settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    for (let round = 0; round < 1_000_000 && !settled; round += 1) {
      this.#step();
      this.turns.turn();
      for (const connection of this.#armed.splice(0)) this.#pump.wake(connection);
      await Promise.resolve();
    }
    if (!settled) throw new Error("nothing settles any more");
    return promise;
  }

  #step(): void {
    this.clock.advance(0.01);
    if (!this.workerPaused) this.worker.step();
  }
}
