import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RpcChannel } from "../../src/rpc/channel.ts";
import { handshakeHandlers, type IntroduceOptions, introduce } from "../../src/rpc/handshake.ts";
import { OriginKey, originProofHolds, proofOf, type Transcript } from "../../src/rpc/proofs.ts";
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

function pair(originKey = key, serviceKey = key) {
  const clock = new SimClock();
  const [nearStream, farStream] = new SimNetwork({ seed: 4 }).pair("tcp");
  const identity = { keys: { origin: originKey, target: serviceKey }, service: "meta", id } as const;
  const opened: string[] = [];
  const service = new RpcChannel({
    stream: farStream,
    memory,
    clock,
    peer: "caller",
    handlers: handshakeHandlers(identity, random, (_, { role }) => {
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
  assert.equal((await introduced).id, id);
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

test("targets prove the service key: whoever has the cluster's key alone cannot pose as one", async () => {
  const serviceKey = new Uint8Array(32).fill(7);
  const posing = pair(key, serviceKey);
  const refused = failureOf(introduce(posing.caller, { ...posing.options, role: "target" }));
  await posing.step();
  const error = await refused;
  assert.deepEqual([error.code, posing.opened], ["ERR_AUTH", []]);
  assert.match(String(error.message), /service-key/);
  // The service would not believe it either, were the caller not to look.
  const blind = pair(key, serviceKey);
  const nonce = "ab".repeat(32);
  const hello = blind.caller.call("hello", { role: "target", nonce }, { timeoutMs: 1000 });
  await blind.step();
  const { nonce: serviceNonce } = await hello;
  const transcript: Transcript = { role: "target", service: "meta", id, callerNonce: nonce, serviceNonce };
  const proof = proofOf(key, "caller", transcript);
  const proved = failureOf(blind.caller.call("prove", { proof }, { timeoutMs: 1000 }));
  await blind.step();
  assert.equal((await proved).code, "ERR_AUTH");
  assert.deepEqual(blind.opened, []);
});

test("an origin's proof is tied to its key and to the whole handshake", () => {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
  const origin = new OriginKey(seed);
  const base: Transcript = { role: "origin", service: "target", id, callerNonce: "aa", serviceNonce: "bb" };
  const proof = origin.prove(base);
  // Golden: RFC 8032's key for these bytes, and what another implementation must compute.
  assert.equal(origin.publicKey, "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
  assert.equal(
    proof,
    "a8420e8c33ef8762a6f426a9da01f33fdd1e41f2c0f38f78bdc3babfc08cb97602eb88faca930e9091330c292af08fe6cf772c9d1e87cbada7824b2f7008fa0d",
  );
  assert.ok(originProofHolds(origin.publicKey, proof, base));
  const others: Transcript[] = [
    { ...base, role: "target" },
    { ...base, service: "meta" },
    { ...base, id: "f".repeat(32) },
    { ...base, callerNonce: "ab" },
    { ...base, serviceNonce: "bc" },
    { ...base, callerNonce: "aab", serviceNonce: "b" },
  ];
  for (const other of others) assert.equal(originProofHolds(origin.publicKey, proof, other), false);
  const another = new OriginKey(seed.map((byte) => byte + 1));
  assert.equal(originProofHolds(another.publicKey, proof, base), false);
  for (const publicKey of ["ff".repeat(32), "00", ""]) {
    assert.equal(originProofHolds(publicKey, proof, base), false, "no key");
  }
  for (const bad of ["", "00", "00".repeat(64)])
    assert.equal(originProofHolds(origin.publicKey, bad, base), false);
});
