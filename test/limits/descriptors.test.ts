/** Whoever runs out of descriptors says so, keeps what it has, and takes more when there is room again. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { connect as connectSocket, type Socket } from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Cluster, connect, type DidafsFile, isDidafsError } from "../../src/index.ts";
import { Home } from "../cli/didafs.ts";

/** Enough for a service to start with. */
const DESCRIPTORS_MAX = 120;
const FILES = 200;
const BYTES = 4096;

describe("services with few descriptors", () => {
  let home: Home;
  let cluster: Cluster;
  let kept: DidafsFile;
  let served: unknown;

  before(async () => {
    home = new Home();
    home.descriptorsMax = DESCRIPTORS_MAX;
    await home.up("--drive", "memory");
    cluster = await connect(home.env.DIDAFS_URL, { keyFile: keyFile() });
    kept = await cluster.open("/kept", { create: true, size: BYTES });
    served = await lives();
  });
  after(async () => {
    await cluster.close();
    await home[Symbol.asyncDispose]();
  });

  const keyFile = (): string => path.join(home.dir, ".config/didafs/key");

  /** A connection, as soon as there is room for it: a service closes what is gone when it looks at it next. */
  async function connectedWithin(limitMs: number): Promise<Cluster> {
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      try {
        return await connect(cluster.url, { keyFile: keyFile() });
      } catch (error) {
        if (!isDidafsError(error, "ERR_UNREACHABLE", "ERR_TOO_MANY") || performance.now() > deadlineMs)
          throw error;
        await sleep(50);
      }
    }
  }

  /** Whose lives they are; a service that was started again has another one. */
  async function lives(): Promise<unknown> {
    const { pid, targets } = await cluster.status();
    return { meta: pid, targets: targets.map((target) => [target.state, target.pid]) };
  }

  test("a target: windows are refused, those that are open go on, and closing them makes room", async () => {
    await using window = await kept.window({ rights: "rw" });
    const opened: DidafsFile[] = [];
    let refused: unknown;
    for (let count = 0; count < FILES && refused === undefined; count += 1) {
      const file = await cluster.open(`/file-${count}`, { create: true, size: BYTES }).catch((error) => {
        refused = error;
      });
      if (file === undefined) break;
      opened.push(file);
      await file.window().catch((error) => {
        refused = error;
      });
    }
    assert.ok(isDidafsError(refused, "ERR_TOO_MANY"), String(refused));
    assert.match(refused.message, /EMFILE/);
    await window.store(0, 1);
    assert.equal(await window.load(0), 1);
    assert.deepEqual(await lives(), served);
    await Promise.all(opened.map((file) => file.close()));
    await Promise.all(opened.map((file) => cluster.remove(file.path)));
    await using file = await cluster.open("/after", { create: true, size: BYTES });
    await using _ = await file.window();
  });

  test("the metadata service: connections are refused, those that are there go on", async () => {
    const port = Number(new URL(cluster.url).port);
    const sockets: Socket[] = [];
    const ended: Promise<unknown>[] = [];
    for (let count = 0; count < DESCRIPTORS_MAX * 2; count += 1) {
      const socket = connectSocket(port, "127.0.0.1");
      sockets.push(socket);
      ended.push(new Promise((resolve) => socket.on("error", resolve).on("close", resolve)));
    }
    await Promise.race(ended);
    assert.equal((await cluster.stat("/kept")).size, BYTES);
    await cluster.mkdir("/made-meanwhile");
    for (const socket of sockets) socket.destroy();
    await using other = await connectedWithin(10_000);
    assert.equal((await other.stat("/made-meanwhile")).type, "directory");
    assert.deepEqual(await lives(), served);
  });
});

/** Enough for a client to start with. */
const CLIENT_DESCRIPTORS_MAX = 100;

test("a client with few descriptors: windows are refused, those that are open go on, and closing them makes room", async () => {
  await using home = new Home();
  await home.up("--drive", "memory");
  const program = fileURLToPath(new URL("many-windows.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    "/bin/sh",
    ["-c", `ulimit -n ${CLIENT_DESCRIPTORS_MAX}; exec "$0" "$1"`, process.execPath, program],
    { env: home.env, timeout: 60_000 },
  );
  const { opened, refusals, strange } = JSON.parse(stdout);
  assert.ok(opened > 10 && opened < CLIENT_DESCRIPTORS_MAX, stdout);
  assert.deepEqual(refusals, ["ERR_TOO_MANY"]);
  assert.deepEqual(strange, []);
});
