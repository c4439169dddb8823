import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { connect, isDidafsError } from "../../src/index.ts";
import { type ProcessCluster, startProcessCluster, until } from "../support/process-cluster.ts";

const isLost = (error: unknown): boolean => isDidafsError(error, "ERR_SESSION_LOST");

describe("a target that dies", () => {
  let running: ProcessCluster;
  before(async () => {
    running = await startProcessCluster();
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
  });

  for (const [transport, sharing] of [
    ["direct", "raw"],
    ["direct", "managed"],
    ["tcp", "managed"],
  ] as const) {
    it(`ends ${transport} ${sharing} windows with ERR_SESSION_LOST, and stable bytes are there again`, async () => {
      await using cluster = await connect(running.url, { transport });
      const name = `/lost-${transport}-${sharing}`;
      await using file = await cluster.open(name, { create: true, size: 1 << 16 });
      const window = await file.window({ rights: "rw", sharing });
      const view = transport === "direct" ? window.view(0, 100) : undefined;
      window.putSync(1000, new TextEncoder().encode("acknowledged"));
      await window.flush("stable");
      process.kill(running.pidOf("target"), "SIGKILL");
      await until(() => {
        try {
          window.loadSync(0);
          return false;
        } catch (error) {
          assert.ok(isLost(error), String(error));
          return true;
        }
      });
      assert.throws(() => window.getSync(0, new Uint8Array(100)), isLost);
      assert.throws(() => window.putSync(0, new Uint8Array(100)), isLost);
      assert.throws(() => window.fetchAddSync(0, 1), isLost);
      assert.throws(() => window.flushSync("stable"), isLost);
      await assert.rejects(window.get(0, new Uint8Array(100)), isLost);
      await assert.rejects(window.put(0, new Uint8Array(100)), isLost);
      await assert.rejects(window.flush("stable"), isLost);
      if (view !== undefined) {
        await until(() => view.length === 0);
        assert.throws(() => window.view(0, 8), isLost);
      }
      await window.close();
      let again = "";
      await until(async () => {
        try {
          await using reopened = await cluster.open(name);
          await using fresh = await reopened.window();
          again = new TextDecoder().decode(fresh.getSync(1000, new Uint8Array(12)));
          return true;
        } catch (error) {
          assert.ok(
            isDidafsError(error, "ERR_UNREACHABLE", "ERR_SESSION_LOST", "ERR_TIMEOUT"),
            String(error),
          );
          return false;
        }
      });
      assert.equal(again, "acknowledged");
    });
  }

  it("is found again by a file that stayed open", async () => {
    await using cluster = await connect(running.url);
    await using file = await cluster.open("/again", { create: true, size: 4096 });
    const window = await file.window({ rights: "rw" });
    window.storeSync(0, 7);
    window.flushSync("stable");
    process.kill(running.pidOf("target"), "SIGKILL");
    await until(async () => {
      try {
        await using fresh = await file.window();
        return fresh.loadSync(0) === 7;
      } catch (error) {
        const known = ["ERR_UNREACHABLE", "ERR_SESSION_LOST", "ERR_TIMEOUT"] as const;
        assert.ok(isDidafsError(error, ...known), String(error));
        return false;
      }
    });
  });

  it("a program may end with its cluster open", async () => {
    const child = fork(new URL("./forgetful.ts", import.meta.url), [running.url], { execArgv: [] });
    const code = await new Promise((resolve) => child.once("exit", resolve));
    assert.equal(code, 0);
  });
});
