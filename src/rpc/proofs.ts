import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { assert } from "../std/assert.ts";

export const KEY_BYTES = 32;
export const NONCE_BYTES = 32;

/** Everything that a proof is tied to. */
export interface Transcript {
  readonly role: "origin" | "target";
  readonly service: "meta" | "target";
  /** Identity of the service that was called, in hex. */
  readonly id: string;
  /** Nonce of the side that connected, in hex. */
  readonly callerNonce: string;
  /** Nonce of the service, in hex. */
  readonly serviceNonce: string;
}

/**
 * HMAC-SHA256 under the key that the role takes, in hex. `prover` is part of what is signed, so neither side's proof
 * serves as the other's; so are both nonces and the service, so a proof is worthless on any other connection or service.
 */
export function proofOf(key: Uint8Array, prover: "caller" | "service", transcript: Transcript): string {
  return createHmac("sha256", key)
    .update(signedBytes(["didafs handshake 1", prover], transcript))
    .digest("hex");
}

/** Compares two proofs in a time that does not depend on where they differ. */
export function proofsEqual(a: string, b: string): boolean {
  const left = Buffer.from(a, "hex");
  const right = Buffer.from(b, "hex");
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}

// RFC 8410: what stands before the 32 bytes of an Ed25519 key in PKCS #8 and in SubjectPublicKeyInfo.
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** The key pair of one origin: what its capabilities name, and what proves that they are its own. */
export class OriginKey {
  /** Raw Ed25519, 64 hex digits. */
  readonly publicKey: string;
  readonly #private: KeyObject;

  /** @param seed 32 unpredictable bytes */
  constructor(seed: Uint8Array) {
    assert(seed.byteLength === KEY_BYTES, "an Ed25519 key comes from 32 bytes");
    const key = Buffer.concat([PRIVATE_PREFIX, seed]);
    this.#private = createPrivateKey({ key, format: "der", type: "pkcs8" });
    const publicKey = createPublicKey(this.#private).export({ format: "der", type: "spki" });
    this.publicKey = publicKey.subarray(PUBLIC_PREFIX.byteLength).toString("hex");
  }

  /** An Ed25519 signature over that handshake, in hex: of no use on any other channel. */
  prove(transcript: Transcript): string {
    return sign(null, originBytes(transcript), this.#private).toString("hex");
  }
}

/** True where whoever holds the private key of `publicKey` has signed that handshake. */
export function originProofHolds(publicKey: string, proof: string, transcript: Transcript): boolean {
  const spki = Buffer.concat([PUBLIC_PREFIX, Buffer.from(publicKey, "hex")]);
  try {
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    return verify(null, originBytes(transcript), key, Buffer.from(proof, "hex"));
  } catch {
    // Bytes that are no key.
    return false;
  }
}

function originBytes(transcript: Transcript): Buffer {
  return signedBytes(["didafs origin 1"], transcript);
}

/** Each field goes in behind its length, so two transcripts never give the same bytes. */
function signedBytes(tags: readonly string[], transcript: Transcript): Buffer {
  const { role, service, id, callerNonce, serviceNonce } = transcript;
  const fields = [...tags, role, service, id, callerNonce, serviceNonce];
  return Buffer.from(fields.map((field) => `${Buffer.byteLength(field)}:${field};`).join(""));
}
