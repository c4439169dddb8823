import { Agent } from "../../client/agent.ts";
import { AgentHost } from "../../client/agent-host.ts";
import type { FromAgent, ToAgent } from "../../client/agent-messages.ts";
import type { Transport } from "../../client/api.ts";
import { ClusterClient } from "../../client/cluster.ts";
import { Origin } from "../../client/origin.ts";
import type { Idler } from "../../ports/clock.ts";
import type { Address } from "../../ports/network.ts";
import { simMailboxPair } from "../mailbox.ts";
import { SleepingPoller } from "../sleeping-poller.ts";
import { SimTurns } from "../turns.ts";
import { controlThread } from "./bodies.ts";
import { KEY, type ProcessPorts, UID } from "./ports.ts";
import { SimProcess } from "./process.ts";
import type { ThreadBody } from "./thread.ts";

export interface ClientShape {
  readonly name: string;
  readonly meta: Address;
  readonly transport: Transport;
  readonly leaseMs: number;
  /** Of calls where nothing else is said. */
  readonly timeoutMs: number;
  /** What else goes on while the thread of the windows blocks. */
  readonly idler: Idler;
}

/** One life of an application's process: the thread of its windows, and that of its agent. */
export class ClientProcess extends SimProcess {
  readonly #origin: Origin;
  readonly #turns: SimTurns;
  readonly #shape: ClientShape;
  readonly #ports: ProcessPorts;
  readonly #stop: () => Promise<void>;

  constructor(ports: ProcessPorts, shape: ClientShape) {
    const { clock, memory, random, network } = ports;
    const poller = new SleepingPoller(clock);
    const turns = new SimTurns(clock);
    const [mailbox, agentMailbox] = simMailboxPair<ToAgent, FromAgent>(undefined, poller);
    const host = new AgentHost(poller);
    const agent = new Agent(
      {
        network,
        memory,
        clock,
        random,
        poller,
        mailbox: agentMailbox,
        newId: host.newId,
        closeDescriptor: () => {},
      },
      { metaAddress: shape.meta, key: KEY, leaseMs: shape.leaseMs },
    );
    host.add(agent);
    const { idler } = shape;
    const origin = new Origin({
      mailbox,
      network,
      memory,
      clock,
      idler,
      turns,
      closeDescriptor: () => {},
      keepAlive: () => {},
    });
    const main: ThreadBody = {
      name: "main",
      // A turn of an event loop, which polls for 0.3 ms before it sleeps.
      stepMs: [0.02, 0.4],
      waitMsMax: Number.POSITIVE_INFINITY,
      step: () => {
        let work = 0;
        for (let mail = mailbox.poll(); mail !== undefined; mail = mailbox.poll()) {
          origin.link.take(mail);
          work += 1;
        }
        return work + turns.turn();
      },
      // Asked again, because promises that go on after the step want turns too.
      block: () => Number.POSITIVE_INFINITY,
      wakeMs: () => (mailbox.waitingCount > 0 ? 0 : turns.dueMs()),
    };
    const bodies = [main, { ...controlThread("agent", host, poller), needsNoWake: () => true }];
    super(shape.name, network, bodies, random.fork(), clock.nowMs(), () => {});
    this.#origin = origin;
    this.#turns = turns;
    this.#shape = shape;
    this.#ports = ports;
    this.#stop = async () => {
      mailbox.post({ kind: "stop" });
      while (!agent.stopped) await this.sleep(1);
    };
  }

  /** Of calls where nothing else is said. */
  get timeoutMs(): number {
    return this.#shape.timeoutMs;
  }

  /** As `connect` of the library does. @throws ERR_UNREACHABLE, ERR_TIMEOUT */
  async connect(): Promise<ClusterClient> {
    const { transport, timeoutMs } = this.#shape;
    const origin = this.#origin;
    const { id, originKey } = await origin.link.call("connect", null, { timeoutMs, signal: undefined });
    return new ClusterClient({
      id,
      originKey,
      url: "didafs://meta:1",
      origin,
      random: this.#ports.random,
      transport,
      timeoutMs,
      owner: { uid: UID, gid: UID },
      stop: this.#stop,
    });
  }

  /** On the thread of its windows; never ends once the process has. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#turns.after(ms, resolve);
    });
  }
}
