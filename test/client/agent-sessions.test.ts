import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BindRequest } from "../../src/client/agent-messages.ts";
import { AgentSessions } from "../../src/client/agent-sessions.ts";
import { ControlChannels } from "../../src/client/control-channels.ts";
import type { Handlers } from "../../src/rpc/handlers.ts";
import { OriginKey } from "../../src/rpc/proofs.ts";
import { RpcServer } from "../../src/rpc/server.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { SimPoller } from "../../src/sim/poller.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { DidafsError, isDidafsError } from "../../src/std/errors.ts";
import { settle } from "../rpc/harness.ts";

const KEY = new Uint8Array(32).fill(3);
const ID = "ab".repeat(16);
const CONTROL = { kind: "tcp", host: "target", port: 1 } as const;
const WORKER = { kind: "tcp", host: "target", port: 2 } as const;
const UNIX = { kind: "unix", name: "target" } as const;
const UNIX_WORKER = { kind: "unix", name: "worker" } as const;
const TCP = { control: CONTROL, workers: [WORKER] };
const REQUEST: BindRequest = {
  endpoint: { target: ID, drive: "memory", tcp: TCP, unix: { control: UNIX, workers: [] } },
  transport: "tcp",
  window: { capability: "00".repeat(128), at: 0, byteLength: 4096, rights: "r", sharing: "managed" },
};
const BOUND = {
  handle: 1,
  worker: 0,
  regionBytes: 4096,
  dataOffset: 4096,
  direct: false,
  protection: "checked",
} as const;
const OPENED = {
  session: 1,
  token: "00".repeat(32),
  leaseMs: 10_000,
  workers: 1,
  incarnation: "0".repeat(32),
  epochSecret: "5e".repeat(8),
};
const GONE = new DidafsError("ERR_CLOSED", "the target goes away");

/** The agent's sessions, and a target whose handlers a test chooses. */
class Fixture {
  readonly clock = new SimClock();
  readonly network = new SimNetwork();
  readonly lost: number[] = [];
  /** Descriptors. */
  readonly closed: number[] = [];
  readonly sessions: AgentSessions;
  readonly server: RpcServer;
  dataStreams = 0;
  readonly #channels: ControlChannels;

  constructor(handlers: Handlers) {
    const { clock, network } = this;
    const [memory, random, poller] = [new SimMemory(), new SimRandom(1), new SimPoller()];
    let lastId = 0;
    const newId = () => ++lastId;
    const ports = {
      network,
      memory,
      clock,
      random,
      poller,
      newId,
      closeDescriptor: (one: number) => this.closed.push(one),
    };
    const connect = network.connect.bind(network);
    network.connect = (address, options) => {
      if (address === WORKER) this.dataStreams += 1;
      return connect(address, options);
    };
    network.listen(WORKER);
    this.server = new RpcServer({
      ...ports,
      identity: { keys: { origin: KEY }, service: "target", id: ID },
      channelsMax: 100,
      onOpen: () => ({ "session.open": () => OPENED, "window.bind": () => BOUND, ...handlers }),
    });
    this.server.listen(CONTROL);
    this.#channels = new ControlChannels(ports, KEY);
    const terms = { originKey: new OriginKey(random.bytes(32)), leaseMs: 10_000 };
    this.sessions = new AgentSessions(ports, this.#channels, terms, {
      lost: ({ id }) => this.lost.push(id),
      revoked: () => {},
    });
  }

  bind(timeoutMs = 1000, signal: AbortSignal = new AbortController().signal) {
    return this.sessions.bind(REQUEST, { timeoutMs, signal });
  }

  settle(byMs = 0): Promise<void> {
    return settle(this.clock, [this.server, this.#channels], byMs);
  }
}

describe("sessions of an agent", () => {
  it("leave no channel behind when the target refuses the session", async () => {
    const fixture = new Fixture({
      "session.open": () => {
        throw new DidafsError("ERR_TOO_MANY", "full");
      },
    });
    const refused = assert.rejects(fixture.bind(), { code: "ERR_TOO_MANY" });
    await fixture.settle();
    await refused;
    assert.equal(fixture.server.channelCount, 0);
  });

  it("are opened anew when the channel ended right behind the answer", async () => {
    let opened = 0;
    const fixture = new Fixture({
      "session.open": (_, { channel }) => {
        opened += 1;
        if (opened === 1) channel.closeWhenSent(GONE);
        return OPENED;
      },
    });
    const first = assert.rejects(fixture.bind(), { code: "ERR_UNREACHABLE" });
    await fixture.settle();
    await first;
    const second = fixture.bind();
    await fixture.settle();
    assert.equal((await second).session.number, OPENED.session);
  });

  it("refuse a token that is none", async () => {
    const fixture = new Fixture({ "session.open": () => ({ ...OPENED, token: "00" }) });
    const refused = assert.rejects(fixture.bind(), { code: "ERR_PROTOCOL" });
    await fixture.settle();
    await refused;
    assert.equal(fixture.server.channelCount, 0);
  });

  it("that ended right behind a binding get no data stream", async () => {
    const fixture = new Fixture({
      "window.bind": (_, { channel }) => {
        channel.closeWhenSent(GONE);
        return BOUND;
      },
    });
    const lost = assert.rejects(fixture.bind(), { code: "ERR_SESSION_LOST" });
    await fixture.settle();
    await lost;
    assert.equal(fixture.lost.length, 1);
    assert.equal(fixture.dataStreams, 0);
  });

  it("do not fail a call by the signal or the deadline of another", async () => {
    const fixture = new Fixture({});
    const controller = new AbortController();
    const aborted = assert.rejects(fixture.bind(1000, controller.signal), { code: "ERR_ABORTED" });
    const hasty = assert.rejects(fixture.bind(10), { code: "ERR_TIMEOUT" });
    const patient = fixture.bind(1000);
    controller.abort();
    await aborted;
    fixture.clock.advance(20);
    await fixture.settle();
    await hasty;
    assert.equal((await patient).path, "tcp");
  });

  it("tell of a binding also when its caller gave up meanwhile, so that it can be undone", async () => {
    const fixture = new Fixture({});
    const first = fixture.bind();
    await fixture.settle();
    await first;
    const controller = new AbortController();
    const bind = fixture.bind(10, controller.signal);
    await Promise.resolve();
    controller.abort();
    fixture.clock.advance(100);
    await fixture.settle();
    assert.equal((await bind).bound.handle, BOUND.handle);
  });

  it("take no mapping that is not of the range that was asked for", async () => {
    const fixture = new Fixture({ "window.bind": () => ({ ...BOUND, direct: true, regionBytes: 10 }) });
    const refused = assert.rejects(fixture.bind(), (e) => isDidafsError(e, "ERR_PROTOCOL"));
    await fixture.settle();
    await refused;
  });

  it("take no memory of versions that there cannot be, and keep no descriptor of it", async () => {
    for (const [entries, passes] of [
      [4, false],
      [0, true],
      [3, true],
      [2 ** 17, true],
    ] as const) {
      const fixture = new Fixture({
        "window.lines": (_, context) => {
          if (passes) context.passDescriptor(77, () => {});
          return { entries };
        },
      });
      fixture.server.listen(UNIX);
      fixture.network.listen(UNIX_WORKER);
      const limits = { timeoutMs: 1000, signal: new AbortController().signal };
      const unix = { control: UNIX, workers: [UNIX_WORKER] };
      const endpoint = { ...REQUEST.endpoint, unix };
      const bind = fixture.sessions.bind({ ...REQUEST, endpoint, transport: "auto" }, limits);
      await fixture.settle();
      const { session, bound, path } = await bind;
      assert.equal(path, "unix");
      const asked = fixture.sessions.lines(session.id, bound.handle, limits);
      const refused = assert.rejects(asked, { code: "ERR_PROTOCOL" });
      await fixture.settle();
      await refused;
      assert.deepEqual(fixture.closed, passes ? [77] : []);
      await assert.rejects(fixture.sessions.lines(99, bound.handle, limits), { code: "ERR_SESSION_LOST" });
    }
  });

  for (const [elsewhere, code] of [
    [true, "ERR_NOT_DIRECT"],
    [false, "ERR_UNREACHABLE"],
  ] as const) {
    it(`tell a target ${elsewhere ? "elsewhere" : "that is down"} from one on this machine: ${code}`, async () => {
      const fixture = new Fixture({});
      if (!elsewhere) fixture.server.stopListening();
      const limits = { timeoutMs: 1000, signal: new AbortController().signal };
      const bound = fixture.sessions.bind({ ...REQUEST, transport: "direct" }, limits);
      const refused = assert.rejects(bound, { code });
      await fixture.settle();
      await refused;
    });
  }

  it("take a target for one on this machine that answered its unix name only once it was reached by TCP", async () => {
    const fixture = new Fixture({
      "window.bind": (_, context) => {
        context.passDescriptor(77, () => {});
        return { ...BOUND, direct: true };
      },
    });
    fixture.network.listen(UNIX_WORKER);
    const { network } = fixture;
    const connect = network.connect.bind(network);
    network.connect = (address, options) => {
      if (address === CONTROL) fixture.server.listen(UNIX);
      return connect(address, options);
    };
    const limits = { timeoutMs: 1000, signal: new AbortController().signal };
    const endpoint = { ...REQUEST.endpoint, unix: { control: UNIX, workers: [UNIX_WORKER] } };
    const bound = fixture.sessions.bind({ ...REQUEST, endpoint, transport: "direct" }, limits);
    bound.catch(() => {});
    await fixture.settle();
    assert.equal((await bound).path, "unix");
  });
});
