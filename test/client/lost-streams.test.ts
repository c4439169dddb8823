import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connect, isDidafsError } from "../../src/index.ts";
import { type ProcessCluster, startProcessCluster, until } from "../support/process-cluster.ts";

const isLost = (error: unknown): boolean => isDidafsError(error, "ERR_SESSION_LOST");

describe("a target that dies under streams", () => {
  let running: ProcessCluster;
  before(async () => {
    running = await startProcessCluster();
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
  });

  for (const transport of ["direct", "tcp"] as const) {
    it(`ends ${transport} streams once, with ERR_SESSION_LOST, and what was whole stays`, async () => {
      await using cluster = await connect(running.url, { transport });
      const name = `/streams-${transport}`;
      await cluster.writeFile(name, new Uint8Array(8 << 20).fill(1));
      await using file = await cluster.open(name);
      const reader = file.readable().getReader();
      await reader.read();
      const writer = file.writable().getWriter();
      await writer.write(new Uint8Array(3 << 20).fill(1));
      let taken = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (; ; taken += 1) yield new Uint8Array(1 << 20).fill(2);
      }
      const replaced = cluster.writeFile(name, endless(), { durability: "memory" });
      const told = [assert.rejects(reader.closed, isLost), assert.rejects(writer.closed, isLost)];
      const window = await file.window();
      // By then it is long past making its draft.
      await until(() => taken >= 12);
      process.kill(running.pidOf("target"), "SIGKILL");
      // In the middle of a put, or of making the file longer.
      await assert.rejects(replaced, (error) => isDidafsError(error, "ERR_SESSION_LOST", "ERR_UNREACHABLE"));
      await until(() => {
        try {
          window.loadSync(0);
          return false;
        } catch {
          return true;
        }
      });
      await assert.rejects(async () => {
        while (!(await reader.read()).done);
      }, isLost);
      await assert.rejects(writer.write(new Uint8Array(1 << 20)).then(() => writer.close()));
      await Promise.all(told);
      await until(async () => {
        try {
          const bytes = await cluster.readFile(name);
          return bytes.byteLength === 8 << 20 && bytes.every((byte) => byte === 1);
        } catch (error) {
          const known = ["ERR_UNREACHABLE", "ERR_SESSION_LOST", "ERR_TIMEOUT"] as const;
          assert.ok(isDidafsError(error, ...known), String(error));
          return false;
        }
      });
    });
  }
});
