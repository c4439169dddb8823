/** up, down and status with real services. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { readRunRecord } from "../../src/runtime/run-file.ts";
import { isProcess, until } from "../runtime/scratch.ts";
import { Home } from "./didafs.ts";

interface Status {
  readonly id: string;
  readonly pid: number;
  readonly targets: readonly { readonly pid: number; readonly state: string; readonly drive: string }[];
}

const statusOf = async (home: Home): Promise<Status> => JSON.parse(await home.ok("status", "--json"));
const pidsOf = (status: Status): number[] => [status.pid, ...status.targets.map(({ pid }) => pid)];

test("up, status, down: nothing is left running, and everything is there again after the next up", async () => {
  await using home = new Home();
  const serving = await home.up("--targets", "2");
  assert.equal(serving.dir, home.data);
  assert.ok(isProcess(serving.pid));
  const status = await statusOf(home);
  assert.equal(status.id, serving.id);
  assert.deepEqual(
    status.targets.map(({ state, drive }) => [state, drive]),
    [
      ["up", "file"],
      ["up", "file"],
    ],
  );
  assert.match(await home.ok("status"), /2 of 2 targets up/);
  await home.ok("mkdir", ":/kept");
  assert.match(await home.ok("down"), /stopped the cluster/);
  assert.deepEqual([serving.pid, ...pidsOf(status)].filter(isProcess), []);
  assert.equal(existsSync(path.join(home.data, "run.json")), false);
  assert.equal((await home.run(["ls"])).code, 3);
  const again = await home.up();
  assert.deepEqual([again.id, again.targets], [serving.id, 2]);
  assert.equal(await home.ok("ls"), "kept\n");
});

test("a second up on the same data is refused and disturbs nothing", async () => {
  await using home = new Home();
  const { pid, url } = await home.up();
  const second = await home.run(["up", "--port", "0"]);
  assert.equal(second.code, 4);
  assert.match(
    second.stderr,
    new RegExp(`already served by process ${pid} at ${url} \\(ERR_ALREADY_RUNNING\\)\n.*didafs down`),
  );
  assert.equal(await home.ok("ls"), "");
});

test("a port in use is told, and nothing is left", async () => {
  await using home = new Home();
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const taken = await home.run(["up", "--port", String(port)]);
  server.close();
  assert.equal(taken.code, 5);
  assert.match(taken.stderr, /\(ERR_PORT_IN_USE\)\n.*--port/);
  assert.equal(readRunRecord(home.data), undefined);
  assert.match(
    await home.ok("up", "--port", "0"),
    /serving didafs:\/\/127\.0\.0\.1:\d+\n.*export DIDAFS_URL=/s,
  );
});

test("another shape than the recorded one is refused", async () => {
  await using home = new Home();
  await home.up("--targets", "2");
  await home.ok("down");
  const other = await home.run(["up", "--targets", "3", "--port", "0"]);
  assert.deepEqual([other.code, /not supported yet/.test(other.stderr)], [2, true]);
});

test("a supervisor that was killed: its services end, down cleans up, up starts again", async () => {
  await using home = new Home();
  const serving = await home.up();
  const pids = pidsOf(await statusOf(home));
  process.kill(serving.pid, "SIGKILL");
  await until(() => !isProcess(serving.pid));
  const again = await home.up();
  assert.equal(again.id, serving.id);
  process.kill(again.pid, "SIGKILL");
  await until(() => readRunRecord(home.data) === undefined);
  const down = await home.run(["down"]);
  assert.deepEqual([down.code, /cleaned up/.test(down.stderr)], [6, true]);
  await until(() => pids.every((pid) => !isProcess(pid)));
});

test("services that are killed come back, with the same port and the same files", async () => {
  await using home = new Home();
  await home.up();
  writeFileSync(path.join(home.dir, "file"), "text");
  await home.ok("cp", "file", ":/file");
  for (const pid of pidsOf(await statusOf(home))) {
    process.kill(pid, "SIGKILL");
    await until(() => !isProcess(pid));
  }
  const log = path.join(home.data, "logs/supervisor.log");
  await until(() => (readFileSync(log, "utf8").match(/serves again/g) ?? []).length === 2);
  await until(() => existsSync(log));
  assert.equal(await home.ok("cat", ":/file"), "text");
});

test("another cluster's key is refused", async () => {
  await using home = new Home();
  await home.up();
  const key = path.join(home.dir, "other-key");
  writeFileSync(key, "ab".repeat(32), { mode: 0o600 });
  const { code, stderr } = await home.run(["ls", "--key-file", key]);
  assert.deepEqual([code, /\(ERR_AUTH\)\n.*--key-file/.test(stderr)], [7, true]);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`in the foreground it serves until ${signal}, and to have served until then is success`, async () => {
    await using home = new Home();
    const up = home.run(["up", "--foreground", "--port", "0"], {
      watch: (child) => {
        child.stdout?.on("data", (text: Buffer) => {
          if (/stop +Ctrl-C/.test(text.toString())) child.kill(signal);
        });
      },
    });
    const { code, stdout } = await up;
    assert.equal(code, 0);
    assert.match(stdout, /^serving didafs:/);
    assert.equal(readRunRecord(home.data), undefined);
  });
}

test("a second signal ends it at once, and nothing is left running", async () => {
  await using home = new Home();
  let pids: number[] = [];
  const up = home.run(["up", "--foreground", "--port", "0"], {
    watch: (child) => {
      child.stdout?.on("data", (text: Buffer) => {
        const url = /^serving (\S+)/.exec(text.toString())?.[1];
        if (url === undefined) return;
        home.env.DIDAFS_URL = url;
        void statusOf(home).then((status) => {
          pids = pidsOf(status);
          // A service that does not answer keeps the first signal from ending it soon.
          process.kill(pids.at(-1) as number, "SIGSTOP");
          child.kill("SIGTERM");
          setTimeout(() => child.kill("SIGTERM"), 300);
        });
      });
    },
  });
  const { code } = await up;
  assert.equal(code, 143);
  assert.ok(pids.length > 1);
  await until(() => !pids.some(isProcess));
});

test("Ctrl-C while starting leaves nothing running", async () => {
  await using home = new Home();
  const interrupted = await home.run(["up", "--port", "0"], {
    watch: (child) => {
      const look = setInterval(() => {
        if (!existsSync(path.join(home.data, "run.json"))) return;
        clearInterval(look);
        child.kill("SIGINT");
      }, 5);
    },
  });
  assert.equal(interrupted.code, 130);
  await until(() => readRunRecord(home.data) === undefined);
});
