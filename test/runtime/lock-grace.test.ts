import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { connect, embedded } from "../../src/index.ts";
import { scratch } from "./scratch.ts";

const RANGE = { at: 0, length: 8, mode: "exclusive" } as const;

test("after an end in good order locks are granted at once, unless one was held then", async () => {
  using home = scratch();
  process.env.XDG_CONFIG_HOME = home.dir;
  const data = path.join(home.dir, "data");
  {
    await using cluster = await embedded(data);
    await using file = await cluster.open("/f", { create: true, size: 4096 });
    await using window = await file.window({ rights: "rw" });
    await (await window.lock(RANGE)).release();
  }
  const holder = await (async () => {
    await using cluster = await embedded(data);
    const client = await connect(cluster.url);
    const window = await (await client.open("/f")).window({ rights: "rw" });
    assert.ok(await window.tryLock(RANGE), "nobody held one");
    return client;
  })();
  {
    await using cluster = await embedded(data);
    await using file = await cluster.open("/f");
    await using window = await file.window({ rights: "rw" });
    assert.equal(
      await window.tryLock(RANGE),
      undefined,
      "somebody may believe for ten seconds that he holds it",
    );
  }
  await holder.close();
});
