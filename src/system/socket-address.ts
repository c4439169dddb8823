import type { Address } from "../ports/network.ts";
import { assert } from "../std/assert.ts";
import { DidafsError } from "../std/errors.ts";
import { addressOf, inetPton } from "./libc.ts";

// <sys/socket.h>
export const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;

/** sun_path is 108 bytes, and the first is the zero that marks the abstract namespace. */
const UNIX_NAME_BYTES_MAX = 107;

/** A socket address as the kernel takes it. */
export interface SocketAddress {
  readonly family: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The kernel's form of an address: sockaddr_in, sockaddr_in6 or sockaddr_un.
 * @throws ERR_INVALID_ARGUMENT for a host that is neither numeric nor "localhost": looking names up would block
 */
export function socketAddress(address: Address): SocketAddress {
  return address.kind === "unix" ? unixAddress(address.name) : tcpAddress(address.host, address.port);
}

function unixAddress(name: string): SocketAddress {
  const encoded = new TextEncoder().encode(name);
  if (encoded.length === 0 || encoded.length > UNIX_NAME_BYTES_MAX) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `a unix name has 1 to ${UNIX_NAME_BYTES_MAX} bytes, not ${encoded.length}`,
    );
  }
  // The length passed to the kernel ends the name: no zero behind it, or it would be part of the name.
  const bytes = new Uint8Array(2 + 1 + encoded.length);
  bytes[0] = AF_UNIX;
  bytes.set(encoded, 3);
  return { family: AF_UNIX, bytes };
}

function tcpAddress(host: string, port: number): SocketAddress {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new DidafsError("ERR_INVALID_ARGUMENT", `a port is a number from 0 to 65535, not ${port}`);
  }
  const numeric = host === "localhost" ? "127.0.0.1" : host;
  const four = new Uint8Array(16);
  const six = new Uint8Array(28);
  const [family, bytes] =
    inetPton(AF_INET, numeric, addressOf(four) + 4) === 1
      ? [AF_INET, four]
      : inetPton(AF_INET6, numeric, addressOf(six) + 8) === 1
        ? [AF_INET6, six]
        : [0, four];
  if (family === 0) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `"${host}" is not an address: give it as numbers (127.0.0.1, ::1) or as localhost`,
    );
  }
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port, false);
  return { family, bytes };
}

/** The port in a sockaddr_in or sockaddr_in6 that the kernel filled in. */
export function portOf(bytes: Uint8Array<ArrayBuffer>): number {
  assert(bytes[0] === AF_INET || bytes[0] === AF_INET6, "only TCP sockets have a port");
  return new DataView(bytes.buffer).getUint16(2, false);
}
