/** A key's value of etcd, synced before the put is over, as many at once as the walk says. */
import { blockCase } from "../blocks/block-case.ts";
import { blockSource } from "../blocks/block-source.ts";
import { EtcdClient } from "../peers/etcd.ts";

export const open = blockCase(async ({ pattern, parameters }) => {
  const { port, depth } = parameters as { readonly port: number; readonly depth: readonly number[] };
  const client = new EtcdClient(port, Math.max(...depth));
  return {
    along(walk) {
      const source = blockSource(pattern, walk);
      return {
        step: (block) => client.put(`${block}`, source(block)),
        seen: () => 0,
        async bytes() {
          const read: Uint8Array[] = [];
          for (let block = 0; block < walk.blocks; block++) read.push(await client.get(`${block}`));
          return Buffer.concat(read);
        },
      };
    },
    close: async () => client.close(),
  };
});
