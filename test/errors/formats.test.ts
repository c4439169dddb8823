/** What a newer version of DiDAFS stored or says is refused everywhere, with both versions and the way out. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { LmdbEngine } from "../../src/meta/engines/lmdb.ts";
import { FORMAT_KEY, FORMAT_VERSION, inodeKey } from "../../src/meta/keys.ts";
import type { KvEngine } from "../../src/ports/kv.ts";
import { statusOf } from "../../src/std/errors.ts";
import { capabilitySecret } from "../../src/wire/capability.ts";
import {
  answerStatus,
  encodeCommand,
  HEADER_BYTES,
  HEADER_WORDS,
  OPCODE,
  WIRE_VERSION,
} from "../../src/wire/header.ts";
import { type Ended, Home } from "../cli/didafs.ts";
import { SERVICE_KEY, TARGET, TargetFixture } from "../target/target-fixture.ts";
import { serviceOfVersion, VERSION_AT } from "./fake-services.ts";
import { Fixture } from "./fixture.ts";

const NEWER = 99;
/** "not supported here", in docs/operating.md. */
const EXIT_CODE = 16;

/** That a command was refused for a version, naming the newer one and the known one, and what to do. */
function assertRefused({ code, stderr }: Ended, found: number, known: number | string): void {
  assert.equal(code, EXIT_CODE, stderr);
  assert.match(stderr, /\(ERR_VERSION\)/);
  assert.match(stderr, new RegExp(`\\b${found}\\b.*\\b${known}\\b`), "both versions");
  assert.match(stderr, /use (the|a) .*(version|newer)/i, "the way out");
}

describe("a data directory of a newer format", () => {
  let home: Home;
  let metadata: string;
  before(async () => {
    home = new Home();
    await home.up();
    writeFileSync(path.join(home.dir, "x"), "some bytes");
    await home.ok("cp", "x", ":/file");
    await home.ok("down");
    metadata = path.join(home.data, "meta", "meta.mdb");
  });
  after(() => home[Symbol.asyncDispose]());

  /** Changes a file, has `body` meet that, and puts the file back. */
  async function changed(
    file: string,
    change: (bytes: Buffer) => Buffer | string,
    body: () => Promise<void>,
  ) {
    const was = readFileSync(file);
    writeFileSync(file, change(Buffer.from(was)));
    try {
      await body();
    } finally {
      writeFileSync(`${file}.was`, was, { mode: 0o600 });
      renameSync(`${file}.was`, file);
    }
  }

  const setFormat = (bytes: Buffer): string =>
    JSON.stringify({ ...JSON.parse(bytes.toString()), format: NEWER });

  /** Has `body` change what the metadata say, while nobody serves them. */
  async function withMetadata(body: (engine: KvEngine) => Promise<void>): Promise<void> {
    const engine = new LmdbEngine({ path: metadata, freeBytes: () => Number.POSITIVE_INFINITY });
    await body(engine);
    await engine.close();
  }

  for (const file of ["cluster.json", "target-0/target.json"]) {
    test(`${file}: up is refused`, () =>
      changed(path.join(home.data, file), setFormat, async () => {
        assertRefused(await home.run(["up", "--port", "0"]), NEWER, 1);
      }));
  }

  test("service-key: up is refused", () =>
    changed(
      path.join(home.data, "service-key"),
      () => `v${NEWER}:whatever`,
      async () => {
        assertRefused(await home.run(["up", "--port", "0"]), NEWER, 1);
      },
    ));

  test("the user's key file: every command is refused", () =>
    changed(
      path.join(home.dir, ".config/didafs/key"),
      () => `v${NEWER}:whatever`,
      async () => {
        assertRefused(await home.run(["ls", "--url", "didafs://127.0.0.1:1"]), NEWER, 1);
      },
    ));

  test("the metadata: up is refused", () =>
    changed(
      metadata,
      (bytes) => bytes,
      async () => {
        await withMetadata((engine) =>
          engine.transact((kv) => {
            const format = Buffer.from(kv.get(FORMAT_KEY) as Uint8Array);
            format.writeUInt16LE(NEWER);
            kv.set(FORMAT_KEY, format);
          }),
        );
        assertRefused(await home.run(["up", "--port", "0"]), NEWER, FORMAT_VERSION);
      },
    ));

  test("an inode, and a region: only their file is refused", async () => {
    const regions = path.join(home.data, "target-0", "regions");
    const [region = ""] = readdirSync(regions);
    await home.up();
    await home.ok("cp", "x", ":/other");
    const [otherRegion = ""] = readdirSync(regions).filter((name) => name !== region);
    await home.ok("down");
    await withMetadata((engine) =>
      engine.transact((kv) => {
        const key = inodeKey(Number.parseInt(region, 10));
        const inode = Buffer.from(kv.get(key) as Uint8Array);
        inode[2] = NEWER;
        kv.set(key, inode);
      }),
    );
    const file = path.join(regions, otherRegion);
    const bytes = readFileSync(file);
    // Of each copy of the header that there is.
    const magic = bytes.subarray(0, 8);
    for (const at of [0, 2048])
      if (bytes.subarray(at, at + 8).equals(magic)) bytes.writeUInt32LE(NEWER, at + 8);
    writeFileSync(file, bytes);
    await home.up();
    try {
      assertRefused(await home.run(["stat", ":/file"]), NEWER, 2);
      assertRefused(await home.run(["cat", ":/other"]), NEWER, "[0-9]+");
      await home.ok("cp", "x", ":/new");
      assert.equal(await home.ok("cat", ":/new"), "some bytes");
    } finally {
      await home.ok("down");
    }
  });

  test("the record of what runs: down is refused, and stops nothing", async () => {
    await home.up();
    await changed(path.join(home.data, "run.json"), setFormat, async () => {
      assertRefused(await home.run(["down"]), NEWER, 1);
    });
    await home.ok("status");
    await home.ok("down");
  });
});

describe("a newer version on the wire", () => {
  test("a service that speaks it: commands are refused", async () => {
    await using fixture = new Fixture();
    const url = await serviceOfVersion(fixture, WIRE_VERSION + 1);
    await using home = new Home();
    writeFileSync(path.join(home.dir, "key"), "ab".repeat(32), { mode: 0o600 });
    const args = ["ls", "--url", url, "--key-file", path.join(home.dir, "key")];
    assertRefused(await home.run(args), WIRE_VERSION + 1, WIRE_VERSION);
  });

  test("an origin that speaks it: every listener says so in its own version, and goes on serving", async () => {
    await using fixture = new Fixture();
    const cluster = await fixture.client("tcp");
    await using file = await cluster.open("/wire", { create: true, size: 8 });
    await using window = await file.window({ rights: "rw" });
    const { port } = new URL(cluster.url);
    const ports = [Number(port), ...listeningPorts().filter((other) => other !== Number(port))];
    assert.ok(ports.length >= 3, "the metadata service, and control and data plane of a target");
    for (const listener of ports) {
      const header = await answerTo(listener, WIRE_VERSION + 1);
      assert.equal(header[VERSION_AT], WIRE_VERSION, `port ${listener}`);
      assert.equal(
        answerStatus(new Int32Array(Uint8Array.from(header).buffer, 0, HEADER_WORDS), 0),
        statusOf("ERR_VERSION"),
      );
    }
    await window.store(0, 7);
    assert.equal(await window.load(0), 7);
    await cluster.stat("/wire");
  });

  test("a capability of it, signed as it should be, binds nothing", async () => {
    const target = new TargetFixture();
    await target.registered();
    await target.createRegion(1, 0, 8);
    const origin = await target.origin();
    await origin.openSession();
    const window = {
      inode: 1,
      index: 0,
      at: 0,
      byteLength: 8,
      rights: "r",
      sharing: "managed",
      direct: false,
    } as const;
    const params = origin.bindParams(window);
    const bytes = Buffer.from(params.capability, "hex");
    bytes[2] = NEWER;
    const mac = createHmac("sha256", capabilitySecret(SERVICE_KEY, TARGET, target.incarnation));
    mac
      .update(bytes.subarray(0, -32))
      .digest()
      .copy(bytes, bytes.byteLength - 32);
    await assert.rejects(origin.call("window.bind", { ...params, capability: bytes.toString("hex") }), {
      code: "ERR_VERSION",
      message: new RegExp(`version ${NEWER}, this is 1; use the same version`),
    });
    await origin.bind(window);
  });
});

/** TCP ports on which this process listens: those of the services in its threads. */
function listeningPorts(): number[] {
  const LISTEN = "0A";
  const mine = new Set(
    readdirSync("/proc/self/fd").flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/self/fd/${descriptor}`)];
      } catch {
        return [];
      }
    }),
  );
  return readFileSync("/proc/self/net/tcp", "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && mine.has(`socket:[${fields[9]}]`))
    .map((fields) => Number.parseInt(fields[1]?.split(":")[1] ?? "", 16));
}

/** Sends a whole command of that version. @returns the header of the answer */
function answerTo(port: number, version: number): Promise<Buffer> {
  const words = new Int32Array(HEADER_WORDS);
  encodeCommand(words, 0, OPCODE.CALL, 0, 1, 0, 0, 0, 0);
  const command = Buffer.from(words.buffer);
  command[VERSION_AT] = version;
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, "127.0.0.1", () => socket.write(command));
    const chunks: Buffer[] = [];
    socket.setTimeout(10_000, () => socket.destroy(new Error(`port ${port} does not answer`)));
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      if (all.byteLength < HEADER_BYTES) return;
      socket.destroy();
      resolve(all);
    });
    socket.on("close", () => reject(new Error(`port ${port} closed without an answer`)));
  });
}
