import type { Random } from "../ports/random.ts";
import { assert } from "../std/assert.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { Channel, Handlers, RpcCallOptions } from "./handlers.ts";
import { KEY_BYTES, NONCE_BYTES, proofOf, proofsEqual, type Transcript } from "./proofs.ts";

/**
 * The mutual proof of a key that begins every control channel: of the cluster's key with an origin, of the service key
 * between services, so that holding the cluster's key lets nobody pose as a target.
 *
 *     caller                                     service
 *       hello { role, callerNonce }          →
 *                                            ←   { serviceNonce, service, id, proof of the service }
 *       prove { proof of the caller }        →
 *                                            ←   {}
 *
 * The service proves itself first, to anyone who asks: its proof is of no use to anybody else (see proofs.ts). It
 * keeps strangers and misdirected clients out; it does not hide or protect what is said afterwards.
 */
export type Role = Transcript["role"];

export interface ServiceIdentity {
  /** By the role of the caller, KEY_BYTES long each; a role without one is not served here. */
  readonly keys: { readonly [R in Role]?: Uint8Array };
  readonly service: Transcript["service"];
  /** 32 hex digits. */
  readonly id: string;
}

/**
 * The service's side: handlers for the calls of a peer that is not yet admitted.
 * @param onProven what serves the peer from now on; an error that it throws refuses the peer
 */
export function handshakeHandlers(
  identity: ServiceIdentity,
  random: Random,
  onProven: (channel: Channel, transcript: Transcript) => Handlers,
): Handlers {
  const { keys, service, id } = identity;
  assert(
    Object.values(keys).every(({ byteLength }) => byteLength === KEY_BYTES),
    "a key has 32 bytes",
  );
  let transcript: Transcript | undefined;
  const refuse = (channel: Channel, message: string): never => {
    const error = new DidafsError("ERR_AUTH", message);
    channel.closeWhenSent(error);
    throw error;
  };
  return {
    hello: ({ role, nonce: callerNonce }, { channel }) => {
      // A second hello would let a stranger collect proofs at will.
      if (transcript !== undefined) return refuse(channel, "only one hello on a channel");
      const key = keys[role];
      if (key === undefined) return refuse(channel, `a ${service} is not called by a ${role}`);
      const serviceNonce = Buffer.from(random.bytes(NONCE_BYTES)).toString("hex");
      transcript = { role, service, id, callerNonce, serviceNonce };
      return { nonce: serviceNonce, proof: proofOf(key, "service", transcript), service, id };
    },
    prove: ({ proof }, { channel }) => {
      if (transcript === undefined) return refuse(channel, "prove before hello");
      const key = keys[transcript.role] as Uint8Array;
      if (!proofsEqual(proof, proofOf(key, "caller", transcript))) {
        return refuse(channel, wrongKey("this service", transcript.role));
      }
      try {
        channel.admit(onProven(channel, transcript));
      } catch (error) {
        if (isDidafsError(error)) channel.closeWhenSent(error);
        throw error;
      }
      return {};
    },
  };
}

export interface IntroduceOptions extends RpcCallOptions {
  /** The one that the role takes. */
  readonly key: Uint8Array;
  readonly random: Random;
  readonly role: Role;
  /** What must stand at the other end; without `id` any service of that kind will do. */
  readonly expect: { readonly service: Transcript["service"]; readonly id?: string | undefined };
  /** What the peer may call on this side afterwards. */
  readonly handlers?: Handlers;
}

/**
 * The caller's side: proves the key to the service and has the service prove it. The channel must be stepped meanwhile.
 * On failure the channel is closed.
 * @returns what was said: it has the service's identity, and further proofs can be tied to it
 * @throws ERR_AUTH (wrong key, or not the service that was expected) and what Channel.call throws
 */
export async function introduce(channel: Channel, options: IntroduceOptions): Promise<Transcript> {
  const { key, random, role, expect } = options;
  assert(key.byteLength === KEY_BYTES, "a key has 32 bytes");
  try {
    const callerNonce = Buffer.from(random.bytes(NONCE_BYTES)).toString("hex");
    const hello = await channel.call("hello", { role, nonce: callerNonce }, options);
    const { service, id, nonce: serviceNonce } = hello;
    const transcript: Transcript = { role, service, id, callerNonce, serviceNonce };
    if (!proofsEqual(hello.proof, proofOf(key, "service", transcript))) {
      throw new DidafsError("ERR_AUTH", wrongKey(channel.peer, role));
    }
    if (service !== expect.service || (expect.id !== undefined && id !== expect.id)) {
      const wanted = `${expect.service} ${expect.id ?? ""}`.trimEnd();
      throw new DidafsError("ERR_AUTH", `${channel.peer} is ${service} ${id}, expected was ${wanted}`);
    }
    // The service has proven itself; what it calls right behind its next answer must find its handlers.
    channel.admit(options.handlers ?? {});
    await channel.call("prove", { proof: proofOf(key, "caller", transcript) }, options);
    return transcript;
  } catch (error) {
    channel.close(isDidafsError(error) ? error : undefined);
    throw unapplied(error);
  }
}

/** A handshake changes nothing, whether it was heard or not. */
function unapplied(error: unknown): unknown {
  if (!isDidafsError(error) || error.applied === "no") return error;
  const { code, message, path, target } = error;
  return new DidafsError(code, message, { applied: "no", path, target, cause: error });
}

function wrongKey(peer: string, role: Role): string {
  if (role === "target") {
    return `${peer} has another service key. Services of one cluster share the file service-key of its data directory`;
  }
  return (
    `${peer} has another cluster key. The key is taken from the option (key or keyFile), else from the file that ` +
    "DIDAFS_KEY_FILE names, else from the per-user file that `didafs up` writes"
  );
}
