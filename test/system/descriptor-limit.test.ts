import assert from "node:assert/strict";
import { test } from "node:test";
import { ENDED } from "../../src/ports/network.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { systemNetwork } from "../../src/system/network.ts";
import { startChild } from "./child.ts";
import { unixName, until } from "./support.ts";

test("a process without descriptors refuses connections, and accepts again when it has some", async (t) => {
  const address = unixName();
  assert.ok(address.kind === "unix");
  const space = systemMemory.allocate(4096);
  const child = startChild(t, "descriptor-limit-child.ts", [address.name], { descriptorsMax: 64 });
  assert.deepEqual(await child.said(), { exhausted: "ERR_TOO_MANY" });

  const refused = [systemNetwork.connect(address), systemNetwork.connect(address)];
  child.tell("accept");
  assert.deepEqual(await child.said(), { accepted: false });
  for (const stream of refused) {
    until("the refusal", () => stream.recv(space, 0, 1) === ENDED);
    stream.close();
  }

  const stream = systemNetwork.connect(address);
  child.tell("free");
  assert.deepEqual(await child.said(), { accepted: true });
  assert.equal(stream.send(space, 0, 1), 1);
  stream.close();
});
