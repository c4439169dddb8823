/** The metadata service over LMDB, on this thread. */
import { chmodSync, statfsSync } from "node:fs";
import path from "node:path";
import { LmdbEngine } from "../meta/engines/lmdb.ts";
import type { KnownTarget } from "../meta/registry.ts";
import { MetaService } from "../meta/service.ts";
import { DidafsError } from "../std/errors.ts";
import { systemClock } from "../system/clock.ts";
import { syncDirectory } from "../system/directory.ts";
import { lockDirectory } from "../system/lock.ts";
import { systemMemory } from "../system/memory.ts";
import { systemNetwork } from "../system/network.ts";
import { createPoller } from "../system/poller.ts";
import { systemRandom } from "../system/random.ts";
import { runControlLoop, runUntil } from "./loop.ts";
import { MeteredEngine } from "./metered-engine.ts";
import { packageVersion } from "./package.ts";
import { watchOrders } from "./parent-orders.ts";
import { runService, type ServiceHost } from "./service-host.ts";
import { metaSamples } from "./service-samples.ts";

interface MetaOptions {
  /** Holds the metadata; made by whoever starts the service. */
  readonly dir: string;
  readonly host: string;
  readonly port: number;
  /** The cluster's key, and that of its services, 64 hex digits each. */
  readonly keyHex: string;
  readonly serviceKeyHex: string;
  /** Of the supervisor, for status. */
  readonly metricsUrl?: string;
  /** Targets of the cluster that registered in an earlier life of the service. */
  readonly targets?: readonly KnownTarget[];
}

/** How long the service, told to stop, may take to answer what is under way. */
const DRAIN_MS = 3000;

runService<MetaOptions>(async (host) => {
  const { dir } = host.options;
  const lock = lockDirectory(dir);
  try {
    const file = path.join(dir, "meta.mdb");
    const engine = new MeteredEngine(new LmdbEngine({ path: file, freeBytes: () => freeBytes(dir) }));
    try {
      // The engine makes them as the umask says; their folder is closed, but a copy of it may not be.
      for (const made of [file, `${file}-lock`]) chmodSync(made, 0o600);
      // The engine syncs what is in its file, not that file's name.
      syncDirectory(dir);
      await serve(host, engine);
    } finally {
      await engine.close();
    }
  } finally {
    lock.release();
  }
});

async function serve(host: ServiceHost<MetaOptions>, engine: MeteredEngine): Promise<void> {
  const poller = createPoller();
  try {
    const service = await MetaService.open({
      network: systemNetwork,
      memory: systemMemory,
      clock: systemClock,
      random: systemRandom,
      poller,
      engine,
      key: Buffer.from(host.options.keyHex, "hex"),
      serviceKey: Buffer.from(host.options.serviceKeyHex, "hex"),
      version: packageVersion(),
      pid: process.pid,
      log: host.log,
      metricsUrl: host.options.metricsUrl,
      knownTargets: host.options.targets,
    });
    try {
      host.measured(() => metaSamples(service, engine));
      const { host: listenHost, port } = host.options;
      const address = service.listen({ kind: "tcp", host: listenHost, port });
      if (address.kind !== "tcp") throw new DidafsError("ERR_INTERNAL", "listens on no port");
      host.ready({ address: { host: address.host, port: address.port }, id: service.id });
      await runControlLoop(service, poller, systemClock, host.stopping, watchOrders(poller));
      await runUntil(service, poller, systemClock, service.drain(DRAIN_MS), DRAIN_MS);
    } finally {
      service.close();
    }
  } finally {
    poller.close();
  }
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}
