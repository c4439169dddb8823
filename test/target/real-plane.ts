import type { Mailbox } from "../../src/ports/mailbox.ts";
import type { Memory } from "../../src/ports/memory.ts";
import type { Address, Listener, Stream } from "../../src/ports/network.ts";
import type { Poller } from "../../src/ports/poller.ts";
import { simMailboxPair } from "../../src/sim/mailbox.ts";
import { REGION_HEADER_BYTES, regionObjectBytes } from "../../src/structs/region-header.ts";
import { syncAreaBytes, syncQueueAt } from "../../src/structs/sync-queue.ts";
import { systemClock } from "../../src/system/clock.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { openMemoryDrive } from "../../src/system/memory-drive.ts";
import { systemNetwork } from "../../src/system/network.ts";
import { createPoller } from "../../src/system/poller.ts";
import { COUNTER, createCounters } from "../../src/target/counters.ts";
import { DataPlane } from "../../src/target/data-plane.ts";
import type { FromWorker, ToWorker } from "../../src/target/messages.ts";
import { createLeaseEnd } from "../../src/target/service-lease.ts";
import { TOKEN_BYTES } from "../../src/wire/header.ts";

const NO_MS = 0;

/** One data-plane worker on real sockets and real memory, stepped by the test, with one session and one window. */
export class RealPlane {
  readonly plane: DataPlane;
  readonly counters: Float64Array = createCounters();
  readonly token: Uint8Array<ArrayBuffer> = new Uint8Array(TOKEN_BYTES).fill(7);
  /** The region's data. */
  readonly bytes: Memory;
  readonly orders: Mailbox<ToWorker, FromWorker>;
  readonly poller: Poller = createPoller();
  readonly #tcp: Listener;
  readonly #unix: Listener;

  constructor(name: string, byteLength: number) {
    this.#tcp = systemNetwork.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    this.#unix = systemNetwork.listen({ kind: "unix", name });
    const [orders, mailbox] = simMailboxPair<ToWorker, FromWorker>();
    this.orders = orders;
    const words = new Int32Array(new SharedArrayBuffer(syncAreaBytes(1)));
    this.plane = new DataPlane({
      memoryPort: systemMemory,
      clock: systemClock,
      poller: this.poller,
      tcp: this.#tcp,
      unix: this.#unix,
      mailbox,
      counters: this.counters,
      leaseEnd: createLeaseEnd().fill(Number.POSITIVE_INFINITY),
      sync: { words, at: syncQueueAt(0) },
    });
    const object = openMemoryDrive().create("1.0", regionObjectBytes(byteLength));
    this.bytes = systemMemory.map(object.descriptor, REGION_HEADER_BYTES, byteLength, true);
    orders.post({
      type: "session-open",
      session: 1,
      owner: "",
      token: this.token,
      epochSecret: "0".repeat(16),
    });
    const region = { inode: 1, index: 0, descriptor: object.descriptor, byteLength, durable: false };
    orders.post({ type: "bind", session: 1, handle: 1, region, at: 0, byteLength, rights: 3 });
    this.plane.doWork(NO_MS);
  }

  get address(): Address {
    return this.#tcp.address;
  }

  connect(kind: "tcp" | "unix" = "tcp"): Stream {
    return systemNetwork.connect((kind === "tcp" ? this.#tcp : this.#unix).address);
  }

  count(name: keyof typeof COUNTER): number {
    return this.counters[COUNTER[name] as number] as number;
  }

  close(): void {
    this.plane.close();
    this.poller.close();
    systemMemory.free(this.bytes);
  }
}
