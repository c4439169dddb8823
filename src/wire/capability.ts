import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from "node:crypto";
import { assert } from "../std/assert.ts";
import { DidafsError } from "../std/errors.ts";
import { saidByAnother } from "../std/versions.ts";

/** What lets one origin bind windows on one region: made by the metadata service, checked by the region's target. */
export interface Capability {
  readonly inode: number;
  /** The region's place in the file's layout. */
  readonly index: number;
  readonly rights: "r" | "rw";
  /** The range, in bytes of the region. `byteLength` is Infinity for "to the end, also as it grows". */
  readonly at: number;
  readonly byteLength: number;
  /** Since 1970. */
  readonly expiresMs: number;
  /** Of the inode: `revoke` raises it. */
  readonly gen: number;
  /** The raw Ed25519 public key of the origin that may use it, 64 hex digits. */
  readonly originKey: string;
  /** Identity of the target, 32 hex digits. */
  readonly target: string;
}

/**
 * The capability, little-endian; all fields lie on their natural alignment:
 *
 *      0  u16 magic 0xD1DC | u8 version | u8 rights (RIGHTS)
 *      4  u32 index
 *      8  u64 inode
 *     16  u64 at
 *     24  u64 byteLength (all ones: to the end, also as it grows)
 *     32  u64 expiresMs
 *     40  u32 gen | u32 zero
 *     48  32 bytes origin key
 *     80  16 bytes target
 *     96  32 bytes HMAC-SHA256 over all before, under the target's secret
 */
const MAGIC = 0xd1dc;
const CAPABILITY_VERSION = 1;
const CAPABILITY_BYTES = 128;
const MAC_AT = 96;
/** Numbers of the rights, as they are signed; never reused. */
const RIGHTS: readonly (Capability["rights"] | undefined)[] = [undefined, "r", undefined, "rw"];
const TO_THE_END = 2n ** 64n - 1n;

/** From its making; a capability that was used by then keeps what it bound. */
export const CAPABILITY_MS = 60_000;

/**
 * The secret under which capabilities for one life of a target are signed. Both sides derive it, so it never travels.
 * @param serviceKey 32 bytes
 * @param incarnation of that life, 32 hex digits
 */
export function capabilitySecret(serviceKey: Uint8Array, target: string, incarnation: string): KeyObject {
  const salt = Buffer.from(incarnation, "hex");
  const secret = hkdfSync("sha256", serviceKey, salt, `didafs capability 1${target}`, 32);
  // Signing with a key object takes a third of the time that it takes with bytes.
  return createSecretKey(new Uint8Array(secret));
}

/** @returns the bytes as hex */
export function signCapability(secret: KeyObject, capability: Capability): string {
  const { inode, index, rights, at, byteLength, expiresMs, gen, originKey, target } = capability;
  assert(originKey.length === 64 && target.length === 32, "keys and identities have their length");
  const bytes = Buffer.alloc(CAPABILITY_BYTES);
  bytes.writeUInt16LE(MAGIC, 0);
  bytes[2] = CAPABILITY_VERSION;
  bytes[3] = RIGHTS.indexOf(rights);
  bytes.writeUInt32LE(index, 4);
  bytes.writeBigUInt64LE(BigInt(inode), 8);
  bytes.writeBigUInt64LE(BigInt(at), 16);
  bytes.writeBigUInt64LE(byteLength === Number.POSITIVE_INFINITY ? TO_THE_END : BigInt(byteLength), 24);
  bytes.writeBigUInt64LE(BigInt(Math.ceil(expiresMs)), 32);
  bytes.writeUInt32LE(gen, 40);
  bytes.write(originKey, 48, "hex");
  bytes.write(target, 80, "hex");
  macOf(secret, bytes).copy(bytes, MAC_AT);
  return bytes.toString("hex");
}

/**
 * Whatever is not signed under `secret` is refused before it is looked at.
 * @throws ERR_CAPABILITY (forged, damaged, or for another life of a target), ERR_VERSION (naming both)
 */
export function openCapability(secret: KeyObject, hex: string): Capability {
  const bytes = Buffer.from(hex, "hex");
  if (bytes.byteLength !== CAPABILITY_BYTES || hex.length !== CAPABILITY_BYTES * 2) {
    throw refusal(`it does not have ${CAPABILITY_BYTES} bytes`);
  }
  if (!timingSafeEqual(bytes.subarray(MAC_AT), macOf(secret, bytes))) {
    throw refusal("it is forged, damaged, or was made for another target or another life of this one");
  }
  if (bytes.readUInt16LE(0) !== MAGIC) throw refusal("it is none");
  if (bytes[2] !== CAPABILITY_VERSION) {
    throw saidByAnother("the capability has version", bytes[2] as number, CAPABILITY_VERSION);
  }
  return fieldsOf(bytes);
}

function fieldsOf(bytes: Buffer): Capability {
  const rights = RIGHTS[bytes[3] as number];
  const length = bytes.readBigUInt64LE(24);
  const fields = {
    inode: Number(bytes.readBigUInt64LE(8)),
    index: bytes.readUInt32LE(4),
    at: Number(bytes.readBigUInt64LE(16)),
    byteLength: length === TO_THE_END ? Number.POSITIVE_INFINITY : Number(length),
    expiresMs: Number(bytes.readBigUInt64LE(32)),
    gen: bytes.readUInt32LE(40),
    originKey: bytes.toString("hex", 48, 80),
    target: bytes.toString("hex", 80, MAC_AT),
  };
  const { inode, at, byteLength, expiresMs } = fields;
  const bounded = byteLength !== Number.POSITIVE_INFINITY;
  const inRange = [inode, at, bounded ? byteLength : 0, expiresMs].every(Number.isSafeInteger);
  if (!inRange || rights === undefined || bytes.readUInt32LE(44) !== 0) {
    throw refusal("a field has no meaning");
  }
  return { ...fields, rights };
}

function macOf(secret: KeyObject, bytes: Buffer): Buffer {
  return createHmac("sha256", secret).update(bytes.subarray(0, MAC_AT)).digest();
}

function refusal(why: string): DidafsError {
  return new DidafsError("ERR_CAPABILITY", `the capability is refused: ${why}`);
}
