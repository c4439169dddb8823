import type { Address, Listener, Network, Stream } from "../ports/network.ts";
import { DidafsError } from "../std/errors.ts";
import { ERRNO, errnoText, lastErrno, systemError } from "./errno.ts";
import {
  accept4,
  addressOf,
  bind,
  close,
  connect,
  getsockname,
  listen,
  open,
  setsockopt,
  socket,
} from "./libc.ts";
import { O_CLOEXEC, O_RDONLY } from "./open-flags.ts";
import { AF_UNIX, portOf, socketAddress } from "./socket-address.ts";
import { SocketStream } from "./socket-stream.ts";

// <sys/socket.h>, <netinet/tcp.h>; the same on x86-64 and arm64.
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOCKET_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;

/** A peer whose machine is gone never says so: its connection ends after two minutes of silence to six questions. */
const KEEPALIVE_SECONDS = 60;
const KEEPALIVE_PROBES = 6;
const KEEPALIVE_PROBE_SECONDS = 10;

/** Connections waiting for `accept`; the kernel cuts it to net.core.somaxconn. */
const BACKLOG = 4096;

/** Connections that one `accept` refuses for want of a descriptor, or finds gone, before it gives up. */
const FAILURES_MAX = 16;

const value = new Int32Array(1);
const valueAddress = addressOf(new Uint8Array(value.buffer));

function setOption(descriptor: number, level: number, option: number, to: number): void {
  value[0] = to;
  setsockopt(descriptor, level, option, valueAddress, 4);
}

function turnOn(descriptor: number, level: number, option: number): void {
  setOption(descriptor, level, option, 1);
}

/** On a listener: what it accepts inherits it. */
function keepAlive(descriptor: number): void {
  turnOn(descriptor, SOL_SOCKET, SO_KEEPALIVE);
  setOption(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_SECONDS);
  setOption(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_PROBE_SECONDS);
  setOption(descriptor, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

function nameOf(address: Address): string {
  if (address.kind === "unix") return `unix name ${address.name}`;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

class SocketListener implements Listener {
  readonly address: Address;
  #descriptor: number;
  /** Closed for a moment when the process has no descriptors left, so that a connection can still be refused. */
  #reserve: number;
  starved = false;

  /** Takes over a listening socket. */
  constructor(descriptor: number, address: Address) {
    this.#descriptor = descriptor;
    this.address = address;
    this.#reserve = openReserve();
  }

  get descriptor(): number {
    return this.#descriptor;
  }

  accept(): Stream | undefined {
    if (this.#descriptor < 0) return undefined;
    const accepted = this.#take();
    if (accepted < 0) return undefined;
    if (this.address.kind === "tcp") turnOn(accepted, IPPROTO_TCP, TCP_NODELAY);
    return new SocketStream(accepted, false);
  }

  #take(): number {
    this.starved = false;
    for (let failures = 0; failures < FAILURES_MAX; failures += 1) {
      const accepted = accept4(this.#descriptor, 0, 0, SOCKET_FLAGS);
      if (accepted >= 0) return accepted;
      const errno = lastErrno();
      if (errno === ERRNO.EMFILE || errno === ERRNO.ENFILE) {
        this.starved = true;
        // The caller's poller would report this connection for ever: close it, which its other end sees at once.
        if (!this.#refuseOne()) return -1;
      } else if (errno !== ERRNO.ECONNABORTED && errno !== ERRNO.EINTR) {
        return -1;
      }
    }
    return -1;
  }

  #refuseOne(): boolean {
    // Another thread may have got its number.
    if (this.#reserve < 0) this.#reserve = openReserve();
    if (this.#reserve < 0) return false;
    close(this.#reserve);
    const refused = accept4(this.#descriptor, 0, 0, SOCKET_FLAGS);
    if (refused >= 0) close(refused);
    this.#reserve = openReserve();
    return refused >= 0;
  }

  close(): void {
    if (this.#descriptor < 0) return;
    close(this.#descriptor);
    if (this.#reserve >= 0) close(this.#reserve);
    this.#descriptor = -1;
    this.#reserve = -1;
  }
}

function openReserve(): number {
  return open("/dev/null", O_RDONLY | O_CLOEXEC, 0);
}

function openSocket(family: number): number {
  const descriptor = socket(family, SOCK_STREAM | SOCKET_FLAGS, 0);
  if (descriptor < 0) throw systemError("open a socket");
  if (family !== AF_UNIX) turnOn(descriptor, IPPROTO_TCP, TCP_NODELAY);
  return descriptor;
}

/** The address with the port that the kernel chose. */
function boundAddress(descriptor: number, address: Address): Address {
  if (address.kind === "unix") return address;
  const name = new Uint8Array(32);
  const length = new Int32Array([28]);
  if (getsockname(descriptor, addressOf(name), addressOf(new Uint8Array(length.buffer))) !== 0) {
    throw systemError(`ask for the port of ${nameOf(address)}`);
  }
  return { ...address, port: portOf(name) };
}

/** TCP and abstract unix sockets of this machine. */
export const systemNetwork: Network = {
  listen(address: Address): Listener {
    const { family, bytes } = socketAddress(address);
    const descriptor = openSocket(family);
    // A port whose last connections have not timed out yet can be listened on again; one with a listener cannot.
    if (family !== AF_UNIX) {
      turnOn(descriptor, SOL_SOCKET, SO_REUSEADDR);
      keepAlive(descriptor);
    }
    try {
      const bound =
        bind(descriptor, addressOf(bytes), bytes.length) === 0 && listen(descriptor, BACKLOG) === 0;
      if (!bound) throw systemError(`listen on ${nameOf(address)}`);
      return new SocketListener(descriptor, boundAddress(descriptor, address));
    } catch (error) {
      close(descriptor);
      throw error;
    }
  },

  connect(address: Address, options: { acceptDescriptors?: boolean } = {}): Stream {
    const { family, bytes } = socketAddress(address);
    const descriptor = openSocket(family);
    if (connect(descriptor, addressOf(bytes), bytes.length) !== 0) {
      const errno = lastErrno();
      // EINTR: goes on by itself, as EINPROGRESS does. EAGAIN is a unix listener whose backlog is full.
      if (errno !== ERRNO.EINPROGRESS && errno !== ERRNO.EINTR) {
        close(descriptor);
        throw new DidafsError("ERR_UNREACHABLE", `cannot connect to ${nameOf(address)}: ${errnoText(errno)}`);
      }
    }
    return new SocketStream(descriptor, options.acceptDescriptors === true);
  },

  adopt(descriptor: number): Stream {
    return new SocketStream(descriptor, false);
  },
};
