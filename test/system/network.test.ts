import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import {
  type Address,
  ENDED,
  type Listener,
  type Segments,
  type Stream,
  WOULD_BLOCK,
} from "../../src/ports/network.ts";
import { isDidafsError } from "../../src/std/errors.ts";
import { openFileDrive } from "../../src/system/file-drive.ts";
import { addressOf, getsockopt, listen as listenWithBacklog } from "../../src/system/libc.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { systemNetwork } from "../../src/system/network.ts";
import { connectedPair, openDescriptors, unixName, until } from "./support.ts";

const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;

test("a connection whose peer's machine is gone does not stay for ever", (t) => {
  const { server } = connectedPair(t, { kind: "tcp", host: "127.0.0.1", port: 0 });
  const option = new Int32Array([0, 4]);
  const at = addressOf(new Uint8Array(option.buffer));
  assert.equal(getsockopt(server.descriptor, SOL_SOCKET, SO_KEEPALIVE, at, at + 4), 0);
  assert.equal(option[0], 1);
});

const KINDS: readonly (readonly [string, () => Address])[] = [
  ["tcp", () => ({ kind: "tcp", host: "localhost", port: 0 })],
  ["tcp over IPv6", () => ({ kind: "tcp", host: "::1", port: 0 })],
  ["unix", unixName],
];

/** More than a sender and a receiver keep for a connection (net.ipv4.tcp_wmem, tcp_rmem). */
const MORE_THAN_SOCKETS_HOLD = 64 * 2 ** 20;
const memory = systemMemory.allocate(4 << 20);
for (let at = 0; at < memory.i32.length; at += 1) memory.i32[at] = Math.imul(at, 0x9e3779b1);
const space = systemMemory.allocate(1 << 20);

const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Receives until WOULD_BLOCK or ENDED, handing on each piece. */
function drain(stream: Stream, take: (bytes: Uint8Array) => void): number {
  for (;;) {
    const received = stream.recv(space, 0, space.u8.length);
    if (received < 0) return received;
    take(space.u8.subarray(0, received));
  }
}

for (const [kind, address] of KINDS) {
  test(`${kind}: bytes arrive, nothing more blocks`, (t) => {
    const { client, server } = connectedPair(t, address());
    assert.equal(server.recv(space, 0, 100), WOULD_BLOCK);
    assert.equal(client.send(memory, 5, 11), 11);
    assert.equal(
      until("bytes", () => {
        const received = server.recv(space, 64, 100);
        return received > 0 && received;
      }),
      11,
    );
    assert.deepEqual(space.u8.slice(64, 75), memory.u8.slice(5, 16));
    assert.equal(server.recv(space, 0, 100), WOULD_BLOCK);
  });

  test(`${kind}: pages that cannot be had end the stream that asks for them`, (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), "didafs-network-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const drive = openFileDrive(dir);
    const object = drive.create("a", 8192);
    const mapped = systemMemory.map(object.descriptor, 0, 8192, true);
    truncateSync(path.join(dir, "a"), 4096);
    const [from, to] = [connectedPair(t, address()), connectedPair(t, address())];
    assert.equal(from.client.send(mapped, 4096, 100), ENDED);
    to.client.send(memory, 0, 100);
    until("the end", () => to.server.recv(mapped, 4096, 100) === ENDED);
    systemMemory.free(mapped);
    object.close();
  });

  test(`${kind}: a full socket takes a part, then nothing, then goes on`, (t) => {
    const { client, server } = connectedPair(t, address());
    const sent = createHash("sha256");
    const got = createHash("sha256");
    let takenBytes = 0;
    let receivedBytes = 0;
    const sendUntilFull = (): boolean => {
      while (takenBytes < MORE_THAN_SOCKETS_HOLD) {
        const at = takenBytes % memory.u8.length;
        const taken = client.send(memory, at, memory.u8.length - at);
        assert.notEqual(taken, ENDED);
        if (taken === WOULD_BLOCK) return true;
        sent.update(memory.u8.subarray(at, at + taken));
        takenBytes += taken;
      }
      return false;
    };
    assert.ok(sendUntilFull(), "nobody takes anything, so at some point there is no room");
    until("all bytes", () => {
      drain(server, (bytes) => {
        got.update(bytes);
        receivedBytes += bytes.length;
      });
      return !sendUntilFull() && receivedBytes === takenBytes;
    });
    assert.equal(got.digest("hex"), sent.digest("hex"));
  });

  test(`${kind}: many segments, longer than the socket's buffer, arrive in order`, (t) => {
    const { client, server } = connectedPair(t, address());
    const queue = segmentsOf(200, (index) => (index % 3 === 0 ? 70_000 : index + 1));
    const expected = Buffer.concat(runsOf(queue));
    const pieces: Buffer[] = [];
    let calls = 0;
    until("all segments", () => {
      while (queue.count > 0) {
        const taken = client.sendSegments(queue, Number.POSITIVE_INFINITY);
        if (taken === WOULD_BLOCK) break;
        assert.ok(taken > 0);
        calls += 1;
        drop(queue, taken);
      }
      drain(server, (bytes) => pieces.push(Buffer.from(bytes)));
      return queue.count === 0 && Buffer.concat(pieces).length === expected.length;
    });
    assert.equal(sha(Buffer.concat(pieces)), sha(expected));
    assert.ok(calls < 200, "several segments leave in one call");
  });

  test(`${kind}: what the peer sent before it closed arrives, then the stream has ended for good`, (t) => {
    const { client, server } = connectedPair(t, address());
    client.send(memory, 0, 100);
    client.close();
    let bytes = 0;
    until("the end", () => drain(server, (piece) => (bytes += piece.length)) === ENDED);
    assert.equal(bytes, 100);
    assert.equal(server.recv(space, 0, 1), ENDED);
    until("the end of sending", () => server.send(memory, 0, 1) === ENDED);
    assert.equal(server.send(memory, 0, 1), ENDED);
  });

  test(`${kind}: who ends sending still receives, and the peer finds the end behind what was sent`, (t) => {
    const { client, server } = connectedPair(t, address());
    server.send(memory, 0, 100);
    server.endSending();
    server.endSending();
    assert.equal(client.send(memory, 0, 10), 10);
    until("what the peer sends", () => server.recv(space, 0, 10) === 10);
    let bytes = 0;
    until("the end", () => drain(client, (piece) => (bytes += piece.length)) === ENDED);
    assert.equal(bytes, 100);
    assert.equal(server.send(memory, 0, 1), ENDED);
    server.close();
    server.endSending();
  });

  test(`${kind}: a closed stream is ended, and its number belongs to the next`, (t) => {
    const first = connectedPair(t, address());
    const number = first.client.descriptor;
    first.client.close();
    first.client.close();
    assert.equal(first.client.descriptor, -1);
    const next = connectedPair(t, address());
    assert.ok(number === next.client.descriptor || number === next.server.descriptor);
    first.client.close();
    assert.equal(first.client.recv(space, 0, 1), ENDED);
    assert.equal(first.client.send(memory, 0, 1), ENDED);
    assert.equal(
      first.client.sendSegments(
        segmentsOf(2, () => 1),
        2,
      ),
      ENDED,
    );
    assert.equal(next.client.send(memory, 0, 1), 1);
    assert.equal(
      until("the byte of the next stream", () => next.server.recv(space, 0, 9) !== WOULD_BLOCK),
      true,
    );
  });

  test(`${kind}: an address has one listener, and none once that is closed`, () => {
    const listener = systemNetwork.listen(address());
    assert.throws(
      () => systemNetwork.listen(listener.address),
      (error) => isDidafsError(error, "ERR_PORT_IN_USE"),
    );
    assert.equal(listener.accept(), undefined);
    listener.close();
    listener.close();
    assert.equal(listener.accept(), undefined);
    assert.equal(failsToConnect(listener.address), true);
    systemNetwork.listen(listener.address).close();
  });
}

test("unix streams know who is at the other end, TCP streams do not", (t) => {
  const unix = connectedPair(t, unixName());
  const me = { pid: process.pid, uid: process.getuid?.() };
  assert.deepEqual(unix.client.credentials, me);
  assert.deepEqual(unix.server.credentials, me);
  const tcp = connectedPair(t, { kind: "tcp", host: "127.0.0.1", port: 0 });
  assert.equal(tcp.server.credentials, undefined);
});

test("a stream over another thread's descriptor works as the stream itself", (t) => {
  const { client, server } = connectedPair(t, unixName());
  const adopted = systemNetwork.adopt(client.descriptor);
  assert.deepEqual(adopted.credentials, client.credentials);
  assert.equal(adopted.send(memory, 0, 3), 3);
  assert.equal(server.recv(space, 0, 10), 3);
});

for (const outcome of ["accepted", "refused"] as const) {
  test(`a connection under way would block, until it is ${outcome}`, (t) => {
    const { listener, stream } = connectionUnderWay(t);
    assert.equal(stream.recv(space, 0, 1), WOULD_BLOCK);
    assert.equal(stream.send(memory, 0, 1), WOULD_BLOCK);
    assert.equal(
      stream.sendSegments(
        segmentsOf(2, () => 1),
        2,
      ),
      WOULD_BLOCK,
    );
    if (outcome === "refused") {
      listener.close();
      until("the refusal", () => stream.recv(space, 0, 1) === ENDED, 10_000);
      assert.equal(stream.send(memory, 0, 1), ENDED);
    } else {
      const accepted = until(
        "a byte sent",
        () => {
          listener.accept();
          return stream.send(memory, 0, 1) === 1;
        },
        10_000,
      );
      assert.ok(accepted);
    }
  });
}

/** Fills a listener that has room for one, so that the kernel drops the next connection's SYN and tries again. */
function connectionUnderWay(t: TestContext): { listener: Listener; stream: Stream } {
  const listener = systemNetwork.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  assert.equal(listenWithBacklog(listener.descriptor, 0), 0);
  const streams = [1, 2, 3].map(() => systemNetwork.connect(listener.address));
  t.after(() => {
    listener.close();
    for (const stream of streams) stream.close();
  });
  return { listener, stream: streams[2] as Stream };
}

test("addresses that cannot be are refused with a reason", () => {
  const code = (address: Address): unknown => {
    try {
      systemNetwork.listen(address).close();
      return undefined;
    } catch (error) {
      return isDidafsError(error) ? error.code : error;
    }
  };
  assert.equal(code({ kind: "tcp", host: "example.org", port: 0 }), "ERR_INVALID_ARGUMENT");
  assert.equal(code({ kind: "tcp", host: "127.0.0.1", port: 65_536 }), "ERR_INVALID_ARGUMENT");
  assert.equal(code({ kind: "unix", name: "" }), "ERR_INVALID_ARGUMENT");
  assert.equal(code({ kind: "unix", name: "x".repeat(108) }), "ERR_INVALID_ARGUMENT");
  assert.equal(code({ kind: "unix", name: `${process.pid}-`.padEnd(107, "x") }), undefined);
  // TEST-NET-1: an address that is not of this machine.
  assert.equal(code({ kind: "tcp", host: "192.0.2.1", port: 0 }), "ERR_INVALID_ARGUMENT");
});

test("bytes outside their memory never reach the kernel", (t) => {
  const { client } = connectedPair(t, unixName());
  const freed = systemMemory.allocate(4096);
  systemMemory.free(freed);
  assert.throws(() => client.recv(freed, 0, 8), /inside their memory/);
  assert.throws(() => client.send(memory, memory.u8.length - 4, 8), /inside their memory/);
  assert.throws(() => client.send(memory, -1, 8), /inside their memory/);
  const detached = systemMemory.borrow(new Uint8Array(8));
  (detached.u8.buffer as ArrayBuffer).transfer();
  assert.throws(() => client.recv(detached, 0, 8), /inside their memory/);
});

test("streams and listeners leave no descriptor behind", () => {
  const before = openDescriptors();
  for (const [, address] of KINDS) {
    const listener = systemNetwork.listen(address());
    const client = systemNetwork.connect(listener.address);
    const server = until("a connection", () => listener.accept());
    client.close();
    server.close();
    listener.close();
    assert.throws(() => systemNetwork.listen({ kind: "tcp", host: "192.0.2.1", port: 0 }));
    assert.ok(failsToConnect(listener.address));
  }
  assert.deepEqual(openDescriptors(), before);
});

/** Whether a connection fails at once or on first use, as the port has it. */
function failsToConnect(address: Address): boolean {
  let stream: Stream;
  try {
    stream = systemNetwork.connect(address);
  } catch (error) {
    return isDidafsError(error, "ERR_UNREACHABLE");
  }
  const ended = until("the failure", () => stream.recv(space, 0, 1) === ENDED);
  assert.equal(stream.send(memory, 0, 1), ENDED);
  stream.close();
  return ended;
}

/** A ring that begins in its middle, so that it wraps. */
function segmentsOf(count: number, length: (index: number) => number): Segments {
  const capacity = count + 3;
  const first = count >> 1;
  const segments: Segments = {
    capacity,
    memories: new Array(capacity).fill(undefined),
    starts: new Float64Array(capacity),
    lengths: new Float64Array(capacity),
    first,
    count,
  };
  for (let index = 0; index < count; index += 1) {
    const at = (first + index) % capacity;
    segments.memories[at] = memory;
    segments.starts[at] = index * 1000;
    segments.lengths[at] = length(index);
  }
  return segments;
}

function runsOf(segments: Segments): Uint8Array[] {
  return Array.from({ length: segments.count }, (_, index) => {
    const at = (segments.first + index) % segments.capacity;
    const start = segments.starts[at] as number;
    return memory.u8.slice(start, start + (segments.lengths[at] as number));
  });
}

function drop(segments: Segments, taken: number): void {
  let left = taken;
  while (left > 0) {
    const part = Math.min(left, segments.lengths[segments.first] as number);
    segments.starts[segments.first] = (segments.starts[segments.first] as number) + part;
    segments.lengths[segments.first] = (segments.lengths[segments.first] as number) - part;
    left -= part;
    if (segments.lengths[segments.first] === 0) {
      segments.first = (segments.first + 1) % segments.capacity;
      segments.count -= 1;
    }
  }
}
