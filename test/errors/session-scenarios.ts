import path from "node:path";
import { connect, embedded } from "../../src/index.ts";
import { RpcServer } from "../../src/rpc/server.ts";
import { findKey } from "../../src/runtime/key.ts";
import { systemClock } from "../../src/system/clock.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { systemNetwork } from "../../src/system/network.ts";
import { systemRandom } from "../../src/system/random.ts";
import { WIRE_VERSION } from "../../src/wire/header.ts";
import { World } from "../meta/harness.ts";
import { serviceOfVersion } from "./fake-services.ts";
import type { Fixture, Scenarios } from "./fixture.ts";

/** A metadata service that has the cluster's key and answers with what no DiDAFS answers. @returns a URL */
function lyingService(fixture: Fixture): string {
  const server = new RpcServer({
    network: systemNetwork,
    memory: systemMemory,
    clock: systemClock,
    random: systemRandom,
    identity: { keys: { origin: findKey() }, service: "meta", id: "1".repeat(32) },
    channelsMax: 2,
    onOpen: () => ({ "meta.attach": () => ({ leaseMs: -1 }) }),
  });
  const address = server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const stepping = setInterval(() => server.doWork(systemClock.nowMs()), 1);
  fixture.keep({
    async [Symbol.asyncDispose]() {
      clearInterval(stepping);
      server.close();
    },
  });
  return `didafs://127.0.0.1:${address.kind === "tcp" ? address.port : 0}`;
}

/** What the way to a service gives. */
export const SESSION_SCENARIOS = {
  ERR_SESSION_LOST: {
    names: /session with target [0-9a-f]{32}/,
    async provoke(fixture) {
      await fixture.cluster;
      const serving = await embedded(path.join(fixture.dir, "ends"));
      await using client = await connect(serving.url, { transport: "tcp" });
      const file = await client.open("/lost", { create: true, size: 8 });
      const window = await file.window();
      await serving.close();
      await window.load(0);
    },
  },
  ERR_PROTOCOL: {
    names: /meta\.attach is malformed.*leaseMs/,
    applied: "unknown",
    async provoke(fixture) {
      await fixture.cluster;
      await connect(lyingService(fixture));
    },
  },
  ERR_VERSION: {
    names: new RegExp(`version ${WIRE_VERSION + 1}.*${WIRE_VERSION}`),
    async provoke(fixture) {
      await fixture.cluster;
      await connect(await serviceOfVersion(fixture, WIRE_VERSION + 1));
    },
  },
  ERR_AUTH: {
    names: /another cluster key/,
    provoke: async ({ cluster }) => connect((await cluster).url, { key: new Uint8Array(32).fill(9) }),
  },
  ERR_UNREACHABLE: {
    names: /didafs:\/\/127\.0\.0\.1:1/,
    async provoke({ cluster }) {
      await cluster;
      await connect("didafs://127.0.0.1:1", { timeoutMs: 200 });
    },
  },
  ERR_TOO_MANY: {
    names: /4096 calls/,
    async provoke(fixture) {
      const world = await World.open({
        after: (body) => void fixture.keep({ [Symbol.asyncDispose]: body }),
      });
      const origin = await world.origin();
      // Nobody answers while they are asked.
      const calls = Array.from({ length: 6000 }, () =>
        origin.begin("meta.stat", { path: "/", follow: true }),
      );
      const outcomes = await world.done(Promise.allSettled(calls));
      const refused = outcomes.find(({ status }) => status === "rejected");
      if (refused?.status === "rejected") throw refused.reason;
    },
  },
} satisfies Partial<Scenarios<string>>;
