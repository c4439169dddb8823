import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import {
  type Capability,
  capabilitySecret,
  openCapability,
  signCapability,
} from "../../src/wire/capability.ts";

const SERVICE_KEY = new Uint8Array(32).fill(1);
const TARGET = "22".repeat(16);
const INCARNATION = "33".repeat(16);
const secret = capabilitySecret(SERVICE_KEY, TARGET, INCARNATION);
const capability: Capability = {
  inode: 0x0102030405,
  index: 6,
  rights: "rw",
  at: 4096,
  byteLength: 8192,
  expiresMs: 1_750_000_000_000,
  gen: 7,
  originKey: "44".repeat(32),
  target: TARGET,
};

/** The bytes with a signature that fits them. */
function resigned(bytes: Buffer): string {
  createHmac("sha256", secret).update(bytes.subarray(0, 96)).digest().copy(bytes, 96);
  return bytes.toString("hex");
}

function changed(change: (bytes: Buffer) => void): string {
  const bytes = Buffer.from(signCapability(secret, capability), "hex");
  change(bytes);
  return resigned(bytes);
}

test("golden: a capability's bytes and its signature", () => {
  const body = [
    "dcd1 01 03", // magic, version, rights "rw"
    "06000000", // index
    "0504030201000000", // inode
    "0010000000000000", // at
    "0020000000000000", // byteLength
    "00dc207497010000", // expiresMs
    "07000000 00000000", // gen, zero
    "44".repeat(32),
    "22".repeat(16),
  ]
    .join("")
    .replaceAll(" ", "");
  const hex = signCapability(secret, capability);
  assert.equal(hex.slice(0, 192), body);
  // HMAC-SHA256 under HKDF-SHA256(service key, salt: incarnation, info: "didafs capability 1" and the target).
  assert.equal(hex.slice(192), "f0137bdae26aa3b57b2b2ae5d6e6feb36bcc3cab79d06b1a61c66ba0a52dec77");
});

test("what was signed comes back, a range without an end included", () => {
  for (const fields of [
    {},
    { rights: "r" },
    { byteLength: Number.POSITIVE_INFINITY, at: 0 },
    { inode: Number.MAX_SAFE_INTEGER, gen: 2 ** 32 - 1, index: 2 ** 32 - 1 },
  ] as const) {
    const given = { ...capability, ...fields };
    assert.deepEqual(openCapability(secret, signCapability(secret, given)), given);
  }
});

test("forged: with any one bit changed it is refused", () => {
  const bytes = Buffer.from(signCapability(secret, capability), "hex");
  for (let bit = 0; bit < bytes.byteLength * 8; bit += 1) {
    const forged = Buffer.from(bytes);
    forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.throws(() => openCapability(secret, forged.toString("hex")), { code: "ERR_CAPABILITY" }, `${bit}`);
  }
});

test("one of another target, another life or another cluster is refused", () => {
  const hex = signCapability(secret, capability);
  for (const other of [
    capabilitySecret(SERVICE_KEY, "23".repeat(16), INCARNATION),
    capabilitySecret(SERVICE_KEY, TARGET, "34".repeat(16)),
    capabilitySecret(new Uint8Array(32).fill(2), TARGET, INCARNATION),
  ]) {
    assert.throws(() => openCapability(other, hex), { code: "ERR_CAPABILITY" });
  }
});

test("what is no capability is refused, whatever its length and whoever signed it", () => {
  for (const hex of ["", "00", "zz".repeat(128), "00".repeat(127), "00".repeat(128), "00".repeat(129)]) {
    assert.throws(() => openCapability(secret, hex), { code: "ERR_CAPABILITY" }, hex);
  }
  const meaningless: ((bytes: Buffer) => void)[] = [
    (bytes) => bytes.writeUInt16LE(0xd1da, 0),
    (bytes) => bytes.writeUInt8(0, 3),
    (bytes) => bytes.writeUInt8(2, 3),
    (bytes) => bytes.writeUInt8(4, 3),
    (bytes) => bytes.fill(255, 8, 16),
    (bytes) => bytes.fill(255, 16, 24),
    (bytes) => bytes.writeBigUInt64LE(2n ** 53n, 24),
    (bytes) => bytes.fill(255, 32, 40),
    (bytes) => bytes.writeUInt8(1, 47),
  ];
  for (const change of meaningless) {
    assert.throws(() => openCapability(secret, changed(change)), { code: "ERR_CAPABILITY" }, String(change));
  }
});

test("another version is named, beside our own", () => {
  const newer = changed((bytes) => bytes.writeUInt8(9, 2));
  assert.throws(() => openCapability(secret, newer), { code: "ERR_VERSION", message: /version 9.*is 1/ });
});
