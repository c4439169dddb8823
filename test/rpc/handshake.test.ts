import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RpcChannel } from "../../src/rpc/channel.ts";
import { handshakeHandlers, type IntroduceOptions, introduce } from "../../src/rpc/handshake.ts";
import { proofOf, type Transcript } from "../../src/rpc/proofs.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimMemory } from "../../src/sim/memory.ts";
import { SimNetwork } from "../../src/sim/network.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { failureOf, STAT, settle } from "./harness.ts";

const key = new Uint8Array(32).fill(1);
const otherKey = new Uint8Array(32).fill(2);
const id = "0123456789abcdef0123456789abcdef";
const random = new SimRandom(5);
const memory = new SimMemory();

function pair(serviceKey = key) {
  const clock = new SimClock();
  const [nearStream, farStream] = new SimNetwork({ seed: 4 }).pair("tcp");
  const identity = { key: serviceKey, service: "meta", id } as const;
  const opened: string[] = [];
  const service = new RpcChannel({
    stream: farStream,
    memory,
    clock,
    peer: "caller",
    handlers: handshakeHandlers(identity, random, (_, role) => {
      opened.push(role);
      return { "meta.stat": () => STAT };
    }),
  });
  const caller = new RpcChannel({ stream: nearStream, memory, clock, peer: "the service" });
  const step = () => settle(clock, [caller, service]);
  const options: IntroduceOptions = {
    key,
    random,
    role: "origin",
    expect: { service: "meta" },
    timeoutMs: 1000,
  };
  return { clock, caller, service, opened, step, options };
}

test("with the same key both sides admit each other", async () => {
  const { caller, service, opened, step, options } = pair();
  const introduced = introduce(caller, { ...options, role: "target", expect: { service: "meta", id } });
  await step();
  assert.deepEqual(await introduced, { id });
  assert.deepEqual([caller.admitted, service.admitted, opened], [true, true, ["target"]]);
  const answer = caller.call("meta.stat", { path: "/", follow: true }, { timeoutMs: 1000 });
  await step();
  assert.equal((await answer).size, 2);
});

test("another key is ERR_AUTH, and the message says where keys come from", async () => {
  const { caller, service, opened, step, options } = pair(otherKey);
  const introduced = failureOf(introduce(caller, options));
  await step();
  const error = await introduced;
  assert.equal(error.code, "ERR_AUTH");
  assert.match(String(error.message), /option.*DIDAFS_KEY_FILE.*per-user file/);
  assert.ok(caller.ended && service.ended);
  assert.deepEqual(opened, []);
});

test("another service than expected is ERR_AUTH", async () => {
  for (const expect of [{ service: "target" }, { service: "meta", id: "f".repeat(32) }] as const) {
    const { caller, step, options } = pair();
    const introduced = failureOf(introduce(caller, { ...options, expect }));
    await step();
    assert.equal((await introduced).code, "ERR_AUTH");
  }
});

describe("a stranger", () => {
  test("gets no answer but ERR_AUTH to anything else", async () => {
    const { caller, service, step } = pair();
    const asked = failureOf(caller.call("meta.stat", { path: "/", follow: true }, { timeoutMs: 1000 }));
    await step();
    assert.equal((await asked).code, "ERR_AUTH");
    assert.equal(service.admitted, false);
  });

  test("is not admitted by the service's own proof, sent back", async () => {
    const { caller, service, step } = pair();
    const nonce = "ab".repeat(32);
    const hello = caller.call("hello", { role: "origin", nonce }, { timeoutMs: 1000 });
    await step();
    const proved = failureOf(caller.call("prove", { proof: (await hello).proof }, { timeoutMs: 1000 }));
    await step();
    assert.equal((await proved).code, "ERR_AUTH");
    assert.equal(service.ended?.code, "ERR_AUTH");
  });

  test("may say hello once, and must say it before prove", async () => {
    const nonce = "ab".repeat(32);
    const twice = pair();
    void twice.caller.call("hello", { role: "origin", nonce }, { timeoutMs: 1000 });
    const again = failureOf(twice.caller.call("hello", { role: "origin", nonce }, { timeoutMs: 1000 }));
    await twice.step();
    assert.equal((await again).code, "ERR_AUTH");
    assert.ok(twice.service.ended);
    const early = pair();
    const proved = failureOf(early.caller.call("prove", { proof: nonce }, { timeoutMs: 1000 }));
    await early.step();
    assert.equal((await proved).code, "ERR_AUTH");
    assert.ok(early.service.ended);
  });
});

test("a proof is tied to the prover, the role, the service, its identity and both nonces", () => {
  const base: Transcript = { role: "origin", service: "meta", id, callerNonce: "aa", serviceNonce: "bb" };
  const variants: Transcript[] = [
    base,
    { ...base, role: "target" },
    { ...base, service: "target" },
    { ...base, id: "f".repeat(32) },
    { ...base, callerNonce: "bb", serviceNonce: "aa" },
    { ...base, callerNonce: "aab", serviceNonce: "b" },
  ];
  const proofs = variants.flatMap((transcript) => [
    proofOf(key, "caller", transcript),
    proofOf(key, "service", transcript),
  ]);
  assert.equal(new Set(proofs).size, proofs.length);
  // Golden: what another implementation must compute.
  assert.equal(proofs[0], "cec68353067b6e4498bcf7b3b3dd058e259faa63e115f6643086f0dcfcca7f3e");
});
