import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Cluster, connect, type EmbeddedOptions, embedded, type Transport } from "../../src/index.ts";

export interface LocalCluster extends AsyncDisposable {
  /** The cluster that serves; closing it stops the services. */
  readonly cluster: Cluster;
  readonly dir: string;
  /** Environment with which another process finds the same cluster and key. */
  readonly env: Readonly<Record<string, string>>;
  /** A further client; closed with the cluster. */
  attach(transport: Transport): Promise<Cluster>;
}

/** A cluster of real services in threads of this process, in a temporary directory and with a key of its own. */
export async function startLocalCluster(
  options: EmbeddedOptions = {},
  parent: string = tmpdir(),
): Promise<LocalCluster> {
  const dir = mkdtempSync(path.join(parent, "didafs-test-"));
  process.env.XDG_CONFIG_HOME = dir;
  const cluster = await embedded(path.join(dir, "data"), options);
  const clients: Cluster[] = [];
  return {
    cluster,
    dir,
    env: { XDG_CONFIG_HOME: dir, DIDAFS_URL: cluster.url },
    async attach(transport) {
      const client = await connect(cluster.url, { transport });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      await cluster.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
