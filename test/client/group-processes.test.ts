import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { whilePaused } from "../../bench/idle/pause.ts";
import { type Cluster, connect, type Group, isDidafsError } from "../../src/index.ts";
import { type ProcessCluster, startProcessCluster, until } from "../support/process-cluster.ts";

const MEMBER = new URL("./fixtures/group-member.ts", import.meta.url);
const LONG = { timeoutMs: 60_000 };
const SIZE = 4;
const ROUNDS = 100;

describe("groups of real processes, mapped and over TCP", () => {
  let running: ProcessCluster;
  let client: Cluster;

  before(async () => {
    running = await startProcessCluster();
    client = await connect(running.url, LONG);
  });
  after(async () => {
    await client.close();
    await running[Symbol.asyncDispose]();
  });

  /** All but rank 0, which is this process's; they have passed `rounds` barriers with it. */
  async function formed(rounds: number): Promise<{ group: Group; children: ChildProcess[] }> {
    await client.remove("/rounds").catch(() => {});
    await using file = await client.open("/rounds", { create: true, size: 4096 });
    await using window = await file.window({ rights: "rw" });
    const children = Array.from({ length: SIZE - 1 }, (_, i) =>
      fork(MEMBER, [i % 2 === 0 ? "direct" : "tcp", String(SIZE), String(i + 1), String(rounds)], {
        env: { ...process.env, DIDAFS_URL: running.url },
      }),
    );
    const passed = children.map((child) => once(child, "message"));
    const group = await client.group("processes", { size: SIZE, rank: 0, ...LONG });
    for (let round = 1; round <= rounds; round += 1) {
      await window.fetchAdd(0, 1);
      await group.barrier(LONG);
      const count = await window.load(0);
      assert.ok(count >= round * SIZE && count < (round + 1) * SIZE, `${count} in round ${round}`);
    }
    for (const said of passed) assert.deepEqual((await said)[0], "passed");
    return { group, children };
  }

  async function said(child: ChildProcess, wanted: string): Promise<string> {
    const answer = once(child, "message");
    child.send(wanted);
    return String((await answer)[0]);
  }

  const isEndedBy = (rank: number) => (error: unknown) => {
    assert.ok(isDidafsError(error, "ERR_GROUP_ENDED"), String(error));
    assert.equal(error.value, BigInt(rank));
    return true;
  };

  it("pass a hundred barriers together; one that is killed ends it for those that wait and those that come", async () => {
    const { group, children } = await formed(ROUNDS);
    const [one, two, three] = children as [ChildProcess, ChildProcess, ChildProcess];
    const waiting = [said(one, "barrier"), assert.rejects(group.barrier(LONG), isEndedBy(2))] as const;
    await until(async () => (await running.metric("didafs_target_group_members")) === 2);
    two.kill("SIGKILL");
    assert.equal(await waiting[0], "ERR_GROUP_ENDED 2");
    await waiting[1];
    assert.equal(await said(three, "barrier"), "ERR_GROUP_ENDED 2");
    await until(async () => (await running.metric("didafs_target_groups")) === 0);
    for (const child of children) child.kill("SIGKILL");
  });

  it("one that is killed while it waits itself is named too, and the next life of the name begins", async () => {
    const { group, children } = await formed(2);
    const [one, two, three] = children as [ChildProcess, ChildProcess, ChildProcess];
    one.send("barrier");
    await until(async () => (await running.metric("didafs_target_group_members")) === 1);
    one.kill("SIGKILL");
    assert.equal(await said(two, "barrier"), "ERR_GROUP_ENDED 1");
    // It never hears of the end, and goes.
    three.kill("SIGKILL");
    await assert.rejects(group.barrier(LONG), isEndedBy(1));
    const next = await formed(2);
    assert.equal(await said(next.children[0] as ChildProcess, "leave"), "left");
    await assert.rejects(next.group.barrier(LONG), isEndedBy(1));
    for (const child of [...children, ...next.children]) child.kill("SIGKILL");
  });

  it("one that is stopped for longer than its lease ends it, and learns that it has lost its place", async () => {
    const { group, children } = await formed(2);
    const [one, two] = children as [ChildProcess, ChildProcess];
    one.kill("SIGSTOP");
    try {
      await assert.rejects(group.barrier(LONG), isEndedBy(1));
      assert.equal(await said(two, "barrier"), "ERR_GROUP_ENDED 1");
      const answer = said(one, "barrier");
      one.kill("SIGCONT");
      assert.match(await answer, /^ERR_SESSION_LOST/);
    } finally {
      for (const child of children) child.kill("SIGKILL");
    }
  });

  it("end for who gives up on a home that does not answer, and for the others through its rank", async () => {
    await using other = await connect(running.url, { transport: "tcp", ...LONG });
    const [one, two] = await Promise.all([
      client.group("silent", { size: 2, rank: 0, ...LONG }),
      other.group("silent", { size: 2, rank: 1, ...LONG }),
    ]);
    await whilePaused([running.pidOf("target")], async () => {
      await assert.rejects(one.barrier({ timeoutMs: 100 }), (error) => {
        return isDidafsError(error, "ERR_TIMEOUT") && error.applied === "unknown";
      });
      await assert.rejects(one.barrier(), (error) => isDidafsError(error, "ERR_CLOSED"));
      await assert.rejects(client.group("unheard", { size: 2, timeoutMs: 100 }), (error) => {
        return isDidafsError(error, "ERR_TIMEOUT");
      });
    });
    // It went behind what the target has to hear first. On a slow machine the silence may have outlasted the sessions.
    await assert.rejects(client.group("heard", { size: 2, timeoutMs: 100 }), (error) => {
      return isDidafsError(error, "ERR_TIMEOUT", "ERR_SESSION_LOST");
    });
    await assert.rejects(two.barrier(LONG), (error) => {
      assert.ok(isDidafsError(error, "ERR_GROUP_ENDED", "ERR_SESSION_LOST"), String(error));
      return error.code === "ERR_SESSION_LOST" || error.value === 0n;
    });
  });

  it("are lost with their home, for all, and can be formed anew once it is back", async () => {
    const { group, children } = await formed(2);
    const [one, two] = children as [ChildProcess, ChildProcess];
    const waiting = [
      said(one, "barrier"),
      assert.rejects(group.barrier(LONG), (error) => isDidafsError(error, "ERR_SESSION_LOST")),
    ] as const;
    await until(async () => (await running.metric("didafs_target_group_members")) === 2);
    process.kill(running.pidOf("target"), "SIGKILL");
    assert.match(await waiting[0], /^ERR_SESSION_LOST/);
    await waiting[1];
    assert.match(await said(two, "barrier"), /^ERR_SESSION_LOST/);
    for (const child of children) child.kill("SIGKILL");
    const other = await connect(running.url, { transport: "tcp", ...LONG });
    const again = async (cluster: Cluster, rank: number): Promise<Group> => {
      let joined: Group | undefined;
      await until(async () => {
        joined = await cluster.group("processes", { size: 2, rank }).catch((error) => {
          assert.ok(
            isDidafsError(error, "ERR_UNREACHABLE", "ERR_SESSION_LOST", "ERR_TIMEOUT"),
            String(error),
          );
          return undefined;
        });
        return joined !== undefined;
      });
      return joined as Group;
    };
    const groups = await Promise.all([again(client, 0), again(other, 1)]);
    await Promise.all(groups.map((one) => one.barrier(LONG)));
    await other.close();
  });
});
