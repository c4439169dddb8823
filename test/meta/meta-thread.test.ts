import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { RpcChannel } from "../../src/rpc/channel.ts";
import { introduce } from "../../src/rpc/handshake.ts";
import { threadEntry } from "../../src/runtime/entry.ts";
import { settleLogs } from "../../src/runtime/logs.ts";
import { launchProcess } from "../../src/runtime/service-process.ts";
import { systemClock } from "../../src/system/clock.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { systemNetwork } from "../../src/system/network.ts";
import { systemRandom } from "../../src/system/random.ts";

const KEY = new Uint8Array(32).fill(9);
const KEY_HEX = Buffer.from(KEY).toString("hex");

test("the service runs as a process: serves, keeps its folder, and has everything after a kill", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "didafs-meta-thread-"));
  const start = (port: number) =>
    launchProcess({
      name: "meta",
      entry: threadEntry("meta-thread"),
      options: { dir, host: "127.0.0.1", port, keyHex: KEY_HEX, serviceKeyHex: KEY_HEX },
      log: { ...settleLogs(), file: path.join(dir, "meta.log") },
    });
  const first = start(0);
  let second = first;
  try {
    const { address, id } = (await first.ready) as { address: { host: string; port: number }; id: string };
    await assert.rejects(start(0).ready, { code: "ERR_ALREADY_RUNNING" });
    await ask(address.port, id, (channel) =>
      channel.call("meta.mkdir", { path: "/a/b", recursive: true }, { timeoutMs: 5000 }),
    );
    first.kill();
    await first.ended;
    second = start(address.port);
    assert.deepEqual(await second.ready, { address, id });
    const { entries } = await ask(address.port, id, (channel) =>
      channel.call("meta.readdir", { directory: { path: "/a" } }, { timeoutMs: 5000 }),
    );
    assert.deepEqual(entries, [{ name: "b", type: "directory" }]);
    second.stop();
    await second.ended;
  } finally {
    second.kill();
    rmSync(dir, { recursive: true });
  }
});

/** One call by a proven channel, over real sockets. */
async function ask<T>(port: number, id: string, call: (channel: RpcChannel) => Promise<T>): Promise<T> {
  const channel = new RpcChannel({
    stream: systemNetwork.connect({ kind: "tcp", host: "127.0.0.1", port }),
    memory: systemMemory,
    clock: systemClock,
    peer: "the metadata service",
  });
  const stepping = setInterval(() => channel.doWork(systemClock.nowMs()), 1);
  try {
    const expect = { service: "meta", id } as const;
    await introduce(channel, { key: KEY, random: systemRandom, role: "origin", expect, timeoutMs: 5000 });
    return await call(channel);
  } finally {
    clearInterval(stepping);
    channel.close();
  }
}
