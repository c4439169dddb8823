import { spawn } from "node:child_process";
import path from "node:path";
import { text } from "node:stream/consumers";
import { connect, embedded } from "../../src/index.ts";
import { startCluster } from "../../src/runtime/cluster.ts";
import type { Fixture, Scenarios, Told } from "./fixture.ts";

const INDEX = new URL("../../src/index.ts", import.meta.url).href;
const CLUSTER = new URL("../../src/runtime/cluster.ts", import.meta.url).href;
/** Of a user that may nothing. */
const NOBODY = 65_534;

/** Runs a program that fails. @returns the error that it met */
async function program(body: string): Promise<Told> {
  const source = `try { ${body} } catch (error) {
    const { code, errno, action, applied, message } = error;
    console.log(JSON.stringify({ code, errno, action, applied, message }));
  }`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], { timeout: 20_000 });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (out === "") throw new Error(`the program did not fail: ${err}`);
  return JSON.parse(out);
}

const portOf = async ({ cluster }: Fixture): Promise<number> => Number(new URL((await cluster).url).port);

/** What starting, finding and stopping a cluster gives. */
export const RUNNING_SCENARIOS = {
  EACCES: {
    names: /not-mine/,
    // A directory that its owner may not write to; the superuser may everything and becomes somebody else.
    provoke: async () =>
      program(`
        const { mkdtempSync } = await import("node:fs");
        const { tmpdir } = await import("node:os");
        const { startCluster } = await import("${CLUSTER}");
        const dir = mkdtempSync(tmpdir() + "/didafs-test-");
        const { chmodSync, rmSync } = await import("node:fs");
        chmodSync(dir, 0o555);
        process.on("exit", () => { if (process.getuid() === 0) process.seteuid(0); rmSync(dir, { recursive: true }); });
        if (process.getuid() === 0) process.seteuid(${NOBODY});
        await startCluster({ dir: dir + "/not-mine", key: new Uint8Array(32), port: 0, spawn: "thread" });
      `),
  },
  ERR_ALREADY_RUNNING: {
    names: new RegExp(`process ${process.pid} at didafs://`),
    async provoke(fixture) {
      await fixture.cluster;
      await embedded(fixture.dataOf("files"));
    },
  },
  ERR_NOT_RUNNING: {
    names: /nothing-here/,
    provoke: (fixture) => fixture.command("down", "--data", path.join(fixture.dir, "nothing-here")),
  },
  ERR_PORT_IN_USE: {
    names: /127\.0\.0\.1:\d+/,
    provoke: async (fixture) =>
      embedded(path.join(fixture.dir, "same-port"), { port: await portOf(fixture) }),
  },
  ERR_NO_KEY: {
    names: /no-such-key/,
    provoke: async (fixture) =>
      connect((await fixture.cluster).url, { keyFile: path.join(fixture.dir, "no-such-key") }),
  },
  ERR_PLATFORM: {
    names: /Linux only \(this is darwin\)/,
    provoke: () =>
      program(`
        Object.defineProperty(process, "platform", { value: "darwin" });
        await import("${INDEX}");
      `),
  },
  ERR_START_FAILED: {
    names: /meta ended before it was ready/,
    async provoke(fixture) {
      // Stands for a metadata service that crashes: this file ends without a word.
      const silent = new URL("./silent-service.ts", import.meta.url);
      const entries = { meta: silent, target: silent };
      const dir = path.join(fixture.dir, "silent");
      await startCluster({ dir, key: new Uint8Array(32), port: 0, spawn: "process", entries });
    },
  },
} satisfies Partial<Scenarios<string>>;
