import { createHmac, timingSafeEqual } from "node:crypto";

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
 * HMAC-SHA256 under the cluster's key, in hex. `prover` is part of what is signed, so neither side's proof serves as
 * the other's; so are both nonces and the service, so a proof is worthless on any other connection or service. Each
 * field goes in behind its length, so two transcripts never sign the same bytes.
 */
export function proofOf(key: Uint8Array, prover: "caller" | "service", transcript: Transcript): string {
  const { role, service, id, callerNonce, serviceNonce } = transcript;
  const hmac = createHmac("sha256", key);
  for (const field of ["didafs handshake 1", prover, role, service, id, callerNonce, serviceNonce]) {
    hmac.update(`${Buffer.byteLength(field)}:${field};`);
  }
  return hmac.digest("hex");
}

/** Compares two proofs in a time that does not depend on where they differ. */
export function proofsEqual(a: string, b: string): boolean {
  const left = Buffer.from(a, "hex");
  const right = Buffer.from(b, "hex");
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
