import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Cluster, type Group, isDidafsError } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";

/** Generous: no test waits for it to pass. */
const LONG = { timeoutMs: 60_000 };
const MEMBERS_MAX = 64;

describe("groups of clients in one process, by turns direct and over TCP", () => {
  let local: LocalCluster;
  const clients: Cluster[] = [];
  let names = 0;

  before(async () => {
    local = await startLocalCluster({ targets: 3 });
    for (let i = 0; i < MEMBERS_MAX; i += 1) clients.push(await local.attach(i % 2 === 0 ? "auto" : "tcp"));
  });
  after(() => local[Symbol.asyncDispose]());

  /** The first `size` clients, in one group; each has the rank of its place. */
  function formed(size: number, name = `group ${names++}`): Promise<Group[]> {
    return Promise.all(
      clients.slice(0, size).map((client, rank) => client.group(name, { size, rank, ...LONG })),
    );
  }

  function ended(group: Group, rank: number, options = LONG): Promise<void> {
    return assert.rejects(group.barrier(options), (error) => {
      assert.ok(isDidafsError(error, "ERR_GROUP_ENDED"), String(error));
      assert.equal(error.value, BigInt(rank));
      assert.match(error.message, new RegExp(`rank ${rank} left, ended or did not come`));
      return error.applied === "no";
    });
  }

  it("give each member a rank, once all have come", async () => {
    for (const size of [2, 3, 16, 64]) {
      const name = `ranks ${size}`;
      let joined = 0;
      const joining = clients.slice(0, size).map(async (client, i) => {
        const group = await client.group(name, { size, rank: i === 1 ? size - 1 : undefined, ...LONG });
        joined += 1;
        return group;
      });
      const groups = await Promise.all(joining);
      assert.equal(joined, size);
      assert.deepEqual(
        groups.map(({ rank }) => rank).sort((a, b) => a - b),
        Array.from({ length: size }, (_, rank) => rank),
      );
      assert.equal(groups[1]?.rank, size - 1);
      assert.ok(groups.every((group) => group.size === size && group.name === name));
      for (let round = 0; round < 3; round += 1)
        await Promise.all(groups.map((group) => group.barrier(LONG)));
      await Promise.all(groups.map((group) => group.leave()));
    }
  });

  it("are not there before the last one has come", async () => {
    const [one, two] = clients as [Cluster, Cluster];
    let isThere = false;
    const first = one.group("last", { size: 2, ...LONG }).then((group) => {
      isThere = true;
      return group;
    });
    await one.group("never", { size: 2, timeoutMs: 300 }).catch(() => {});
    assert.equal(isThere, false);
    await using _ = await two.group("last", { size: 2, ...LONG });
    await (await first).leave();
  });

  it("let nobody pass a barrier before all have come to it: a hundred rounds, a shared counter", async () => {
    const size = 6;
    const groups = await formed(size);
    await using file = await local.cluster.open("/counter", { create: true, size: 4096 });
    let turns = 1;
    let waits = 0;
    const member = async (group: Group, i: number): Promise<void> => {
      await using own = await (clients[i] as Cluster).open("/counter");
      await using window = await own.window({ rights: "rw" });
      for (let round = 1; round <= 100; round += 1) {
        // Each is late in some rounds, and in no other order twice.
        turns = (turns * 48_271) % 2_147_483_647;
        for (let turn = turns % 20; turn > 0; turn -= 1)
          await new Promise((resolve) => setImmediate(resolve));
        if ((await window.fetchAdd(0, 1)) < round * size - 1) waits += 1;
        await group.barrier(LONG);
        const count = await window.load(0);
        assert.ok(count >= round * size && count < (round + 1) * size, `${count} in round ${round}`);
      }
    };
    await Promise.all(groups.map(member));
    assert.ok(waits >= 100 * (size - 1), "all but one wait in each round");
    await using window = await file.window();
    assert.equal(await window.load(0), 100 * size);
    await Promise.all(groups.map((group) => group.leave()));
  });

  it("end with a member that leaves, for those that wait and for those that come", async () => {
    const [one, two, three] = (await formed(3)) as [Group, Group, Group];
    const waiting = ended(one, 1);
    await two.leave();
    await waiting;
    await ended(three, 1);
    await ended(one, 1);
    await assert.rejects(two.barrier(), (error) => isDidafsError(error, "ERR_CLOSED"));
    await Promise.all([one, two, three, two].map((group) => group.leave()));
  });

  it("end with a cluster that is closed, and its own calls end too", async () => {
    for (const transport of ["auto", "tcp"] as const) {
      const passing = await local.attach(transport);
      const name = `closing ${transport}`;
      const [own, other] = await Promise.all([
        passing.group(name, { size: 3, rank: 2, ...LONG }),
        (clients[0] as Cluster).group(name, { size: 3, rank: 0, ...LONG }),
        (clients[1] as Cluster).group(name, { size: 3, rank: 1, ...LONG }),
      ]);
      const joining = passing.group("never", { size: 2, ...LONG });
      const calls = [own.barrier(LONG), joining];
      const waiting = ended(other, 2);
      const outcomes = Promise.allSettled(calls);
      await passing.close();
      await waiting;
      for (const outcome of await outcomes) {
        assert.equal(outcome.status, "rejected");
        assert.ok(isDidafsError(outcome.reason, "ERR_CLOSED", "ERR_SESSION_LOST"), String(outcome.reason));
      }
    }
  });

  it("end at the deadline of whoever waits first for so long, through the lowest rank that is missing", async () => {
    const groups = (await formed(4)) as [Group, Group, Group, Group];
    const impatient = ended(groups[3], 1, { timeoutMs: 200 });
    await Promise.all([impatient, ended(groups[0], 1)]);
    await ended(groups[1], 1);
    assert.equal(await groups[2].leave(), undefined);
  });

  it("have lives: a name is free when all have left, and who joins too early waits for that", async () => {
    for (let life = 0; life < 5; life += 1) {
      const groups = (await formed(3, "lives")) as [Group, Group, Group];
      await Promise.all(groups.map((group) => group.barrier(LONG)));
      // The others do not know of the end yet.
      await groups[life % 3]?.leave();
      const next = (clients[life % 3] as Cluster).group("lives", { size: 2, rank: 0, ...LONG });
      // It asks, and is told that the others are still there.
      await (clients[life % 3] as Cluster).group("never", { size: 2, timeoutMs: 50 }).catch(() => {});
      await assert.rejects(
        (clients[4] as Cluster).group("lives", { size: 2, timeoutMs: 50 }),
        (error: Error) => isDidafsError(error, "ERR_GROUP_ENDED") && /not all have left/.test(error.message),
      );
      for (const group of groups) await group.leave();
      const other = await (clients[(life + 1) % 3] as Cluster).group("lives", { size: 2, ...LONG });
      assert.deepEqual([(await next).rank, other.rank], [0, 1]);
      await Promise.all([(await next).barrier(LONG), other.barrier(LONG)]);
      await Promise.all([(await next).leave(), other.leave()]);
    }
  });

  it("hold no name against those who were told of the end, though these did not leave", async () => {
    const [one, two] = (await formed(2, "told")) as [Group, Group];
    const waiting = ended(one, 1);
    await two.leave();
    await waiting;
    const again = await formed(2, "told");
    await assert.rejects(one.barrier(), (error) => isDidafsError(error, "ERR_GROUP_ENDED"));
    await one.leave();
    await Promise.all(again.map((group) => group.barrier(LONG)));
    await Promise.all(again.map((group) => group.leave()));
  });

  it("refuse who does not fit, and tell why", async () => {
    const [one, two, three] = clients as [Cluster, Cluster, Cluster];
    for (const options of [
      { size: 1 },
      { size: 1025 },
      { size: 2.5 },
      { size: 2, rank: 2 },
      { size: 2, rank: -1 },
    ]) {
      await assert.rejects(one.group("fits", options), (error) =>
        isDidafsError(error, "ERR_INVALID_ARGUMENT"),
      );
    }
    for (const name of ["", "x".repeat(256), "\ud800"]) {
      await assert.rejects(one.group(name, { size: 2 }), (error) =>
        isDidafsError(error, "ERR_INVALID_ARGUMENT"),
      );
    }
    const groups = await formed(2, "fits");
    await assert.rejects(one.group("fits", { size: 2 }), (error: Error) => {
      return isDidafsError(error, "ERR_GROUP_TAKEN") && /member of group fits already/.test(error.message);
    });
    await assert.rejects(three.group("fits", { size: 2 }), (error: Error) => {
      return isDidafsError(error, "ERR_GROUP_TAKEN") && /has all its members/.test(error.message);
    });
    await assert.rejects(three.group("fits", { size: 3 }), (error: Error) => {
      return isDidafsError(error, "ERR_INVALID_ARGUMENT") && /another size than 3/.test(error.message);
    });
    const first = groups[0] as Group;
    const waiting = first.barrier(LONG);
    await assert.rejects(first.barrier(LONG), (error) => isDidafsError(error, "ERR_INVALID_ARGUMENT"));
    await groups[1]?.barrier(LONG);
    await waiting;
    await Promise.all(groups.map((group) => group.leave()));
    await assert.rejects(two.group("fits", { size: 2, timeoutMs: 100 }), (error: Error) => {
      return isDidafsError(error, "ERR_TIMEOUT") && /not all 2 members of group fits/.test(error.message);
    });
  });

  it("forget who gives up before all have come", async () => {
    const [one, two] = clients as [Cluster, Cluster];
    const controller = new AbortController();
    const waiting = one.group("wish", { size: 2, signal: controller.signal, ...LONG });
    await one.group("never", { size: 2, timeoutMs: 50 }).catch(() => {});
    controller.abort();
    await assert.rejects(waiting, (error) => isDidafsError(error, "ERR_ABORTED"));
    await assert.rejects(one.group("wish", { size: 2, signal: AbortSignal.abort() }), (error) =>
      isDidafsError(error, "ERR_ABORTED"),
    );
    const [again, other] = await Promise.all([
      one.group("wish", { size: 2, ...LONG }),
      two.group("wish", { size: 2, ...LONG }),
    ]);
    await Promise.all([again.barrier(LONG), other.barrier(LONG)]);
    await Promise.all([again.leave(), other.leave()]);
  });

  it("end with a barrier that its caller ends, and not with one that was ended before", async () => {
    const [late, other, one] = (await formed(3)) as [Group, Group, Group];
    const signal = AbortSignal.abort();
    await assert.rejects(one.barrier({ signal }), (error) => isDidafsError(error, "ERR_ABORTED"));
    await Promise.all([late, other, one].map((group) => group.barrier(LONG)));
    const controller = new AbortController();
    const waiting = one.barrier({ signal: controller.signal, ...LONG });
    // It has come by then.
    await (clients[2] as Cluster).group("never", { size: 2, timeoutMs: 50 }).catch(() => {});
    controller.abort();
    await assert.rejects(waiting, (error) => isDidafsError(error, "ERR_ABORTED"));
    // Not rank 0, which has not come either.
    await ended(other, 2, { timeoutMs: 10_000 });
    await ended(late, 2);
    await assert.rejects(one.barrier(), (error) => isDidafsError(error, "ERR_CLOSED"));
  });

  it("are many at a time, and one that waits holds up no other", async () => {
    const groups = await Promise.all(Array.from({ length: 20 }, () => formed(2)));
    const firsts = groups.map(([one]) => (one as Group).barrier(LONG));
    for (const [, two] of groups.toReversed()) await (two as Group).barrier(LONG);
    await Promise.all(firsts);
    await Promise.all(groups.flat().map((group) => group.leave()));
  });
});
