import { AgentSessions } from "../../src/client/agent-sessions.ts";
import { ControlChannels } from "../../src/client/control-channels.ts";
import type { Address } from "../../src/ports/network.ts";
import { OriginKey } from "../../src/rpc/proofs.ts";
import { parseClusterUrl } from "../../src/runtime/paths.ts";
import { systemClock } from "../../src/system/clock.ts";
import { close as closeDescriptor } from "../../src/system/libc.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { systemNetwork } from "../../src/system/network.ts";
import { createPoller } from "../../src/system/poller.ts";
import { systemRandom } from "../../src/system/random.ts";
import { DataConnection } from "../../src/transport/data-connection.ts";
import { RemoteBinding, Transfer } from "../../src/transport/transfer.ts";
import type { Result } from "../../src/wire/control.ts";
import { LEASE_MS_MAX } from "../../src/wire/leases.ts";
import type { ClusterAddress } from "../harness/case.ts";

const LIMITS = { timeoutMs: 30_000, signal: new AbortController().signal };
/** Sessions that are being opened at a time. */
const OPENED_AT_ONCE = 16;

type OpenFile = Result<"meta.open">;

export interface LeanSession {
  readonly connection: DataConnection;
  readonly binding: RemoteBinding;
  readonly close: () => void;
}

/**
 * Whole sessions with one target over TCP, each with its control channel, lease, binding and data connection, all of them
 * on the calling thread. As many `connect()`s would have as many agents and mailboxes in this process, and those would be
 * measured; to the target it makes no difference.
 */
export class LeanSessions {
  readonly #channels: ControlChannels;
  readonly #originKey = new OriginKey(systemRandom.bytes(32));
  readonly #ports: ConstructorParameters<typeof AgentSessions>[0];
  readonly #poller = createPoller();
  readonly #address: ClusterAddress;
  readonly #open: { readonly sessions: AgentSessions; readonly session: LeanSession }[] = [];
  readonly #path: string;
  readonly #rights: "r" | "rw";
  #lastId = 0;
  #renewed = systemClock.nowMs();

  /** @param path of a file that lies on one target */
  constructor(address: ClusterAddress, path: string, rights: "r" | "rw" = "r") {
    this.#address = address;
    this.#path = path;
    this.#rights = rights;
    this.#ports = {
      network: systemNetwork,
      memory: systemMemory,
      poller: this.#poller,
      clock: systemClock,
      random: systemRandom,
      closeDescriptor,
      newId: () => {
        this.#lastId += 1;
        return this.#lastId;
      },
    };
    this.#channels = new ControlChannels(this.#ports, Buffer.from(address.keyHex, "hex"));
  }

  get all(): readonly LeanSession[] {
    return this.#open.map(({ session }) => session);
  }

  /** Where a worker of the target that holds the file takes data connections. @throws where it has several */
  async dataAddress(): Promise<Address> {
    const { endpoints } = await this.#settle(this.#openFile());
    const [address, ...others] = endpoints[0]?.tcp.workers ?? [];
    if (address === undefined || others.length > 0) throw new Error("the target has more than one worker");
    return address;
  }

  /** Opens sessions until there are `count`. */
  async grow(count: number): Promise<void> {
    const wanted = count - this.#open.length;
    if (wanted <= 0) return;
    let begun = 0;
    const file = await this.#settle(this.#openFile());
    const work = async (): Promise<void> => {
      while (begun < wanted) {
        begun += 1;
        this.#open.push(await this.#openOne(file));
      }
    };
    await this.#settle(Promise.all(Array.from({ length: OPENED_AT_ONCE }, work)));
  }

  /** Keeps the leases; to be called now and then. */
  async keep(): Promise<void> {
    if (systemClock.nowMs() - this.#renewed < LEASE_MS_MAX / 6) return;
    this.#renewed = systemClock.nowMs();
    for (const { sessions } of this.#open) sessions.keepLeases(this.#renewed + LEASE_MS_MAX / 3, false);
    for (let i = 0; i < 10; i++) await this.#step();
  }

  async closeAll(): Promise<void> {
    for (const { session } of this.#open.splice(0)) session.close();
    await this.#step();
  }

  async close(): Promise<void> {
    await this.closeAll();
    this.#channels.close();
    this.#poller.close();
  }

  /** Anew each time, because capabilities run out. */
  async #openFile(): Promise<OpenFile> {
    const { channel } = await this.#channels.open(
      parseClusterUrl(this.#address.url),
      "the metadata service",
      { service: "meta" },
      LIMITS,
      () => {},
    );
    await channel.call("meta.attach", { originKey: this.#originKey.publicKey, open: [] }, LIMITS);
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const wish = { path: this.#path, create: "no", rights: this.#rights, owner } as const;
    const file = await channel.call("meta.open", wish, LIMITS);
    channel.close();
    return file;
  }

  async #openOne({
    endpoints,
    capabilities,
    stat,
  }: OpenFile): Promise<{ sessions: AgentSessions; session: LeanSession }> {
    const [endpoint, capability] = [endpoints[0], capabilities[0]];
    if (endpoint === undefined || capability === undefined) throw new Error("the file lies on no target");
    const terms = { originKey: this.#originKey, leaseMs: LEASE_MS_MAX };
    const sessions = new AgentSessions(this.#ports, this.#channels, terms, { lost() {}, revoked() {} });
    const window = {
      capability,
      at: 0,
      byteLength: stat.size,
      rights: this.#rights,
      sharing: "managed",
    } as const;
    const bound = await sessions.bind({ endpoint, transport: "tcp", window }, LIMITS);
    const connection = new DataConnection(systemNetwork.adopt(bound.connection.descriptor), systemMemory);
    connection.hello(new Transfer(), bound.session.number, bound.session.token);
    const close = (): void => {
      connection.close();
      sessions.end(bound.session.id);
      sessions.close();
    };
    return { sessions, session: { connection, binding: new RemoteBinding(bound.bound.handle), close } };
  }

  async #step(): Promise<void> {
    this.#channels.doWork(systemClock.nowMs());
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    while (!settled) await this.#step();
    return promise;
  }
}
