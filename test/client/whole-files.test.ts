import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Cluster, type ErrorCode, isDidafsError } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { retainedBytes } from "../support/retained-bytes.ts";

const isCode = (code: ErrorCode) => (error: unknown) => isDidafsError(error, code);
const BYTES = Uint8Array.from({ length: 9 * 2 ** 20 + 7 }, (_, at) => at * 31 + (at >>> 11));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function* cut(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += step) yield bytes.subarray(at, at + step);
}

async function names(cluster: Cluster, directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of cluster.readdir(directory)) found.push(name);
  return found;
}

describe("whole files", () => {
  let local: LocalCluster;
  before(async () => {
    local = await startLocalCluster({ targets: 3 });
  });
  after(() => local[Symbol.asyncDispose]());

  for (const transport of ["direct", "tcp"] as const) {
    for (const targets of [1, 3]) {
      it(`come back as they were written (${transport}, ${targets} target(s))`, async () => {
        const cluster = await local.attach(transport);
        const path = `/whole/${transport}/${targets}`;
        const shape = { targets, stripeUnit: 65_536 };
        for (const data of [
          BYTES,
          cut(BYTES, 70_001),
          BYTES.subarray(0, 1),
          new Uint8Array(0),
          cut(BYTES, 2 ** 22),
        ]) {
          await cluster.writeFile(path, data, shape);
          const expected = data instanceof Uint8Array ? data : BYTES;
          assert.ok(Buffer.from(await cluster.readFile(path)).equals(expected));
        }
        await cluster.writeFile(path, "Grüße");
        assert.equal(text(await cluster.readFile(path)), "Grüße");
        const words = Float64Array.of(1, 2, 3).subarray(1);
        await cluster.writeFile(path, words);
        assert.deepEqual(new Float64Array((await cluster.readFile(path)).buffer), Float64Array.of(2, 3));
        const { layout } = await cluster.stat(path);
        assert.deepEqual([layout?.stripeUnit, layout?.regions.length], [65_536, targets], "keeps its shape");
        await using file = await cluster.open(path);
        await cluster.writeFile(`${path}-copy`, file.readable());
        assert.deepEqual(await cluster.readFile(`${path}-copy`), await cluster.readFile(path));
        assert.ok((await names(cluster, `/whole/${transport}`)).every((name) => !name.endsWith(".part")));
      });
    }
  }

  it("pass on what the file was besides its bytes, and leave the old ones to whoever has them", async () => {
    const { cluster } = local;
    await cluster.writeFile("/old/file", "before", { mode: 0o600 });
    await cluster.setXattr("/old/file", "user.origin", BYTES.subarray(0, 5));
    await cluster.link("/old/file", "/old/other");
    await cluster.symlink("file", "/old/link");
    await using file = await cluster.open("/old/file");
    await cluster.writeFile("/old/link", "after");
    assert.equal(text(await cluster.readFile("/old/file")), "after");
    assert.equal((await cluster.stat("/old/file")).mode, 0o600);
    assert.deepEqual(await cluster.getXattr("/old/file", "user.origin"), BYTES.slice(0, 5));
    assert.equal((await cluster.stat("/old/link", { follow: false })).type, "symlink");
    assert.equal(text(await cluster.readFile("/old/other")), "before");
    await using window = await file.window();
    assert.equal(text(await window.get(0, new Uint8Array(6))), "before");
    await cluster.writeFile("/old/file", "again", { mode: 0o644 });
    assert.equal((await cluster.stat("/old/file")).mode, 0o644);
  });

  it("are seen whole, old or new, by who reads while they are written", async () => {
    const { cluster } = local;
    const size = 2 ** 20;
    const filled = (letter: number): Uint8Array => new Uint8Array(size + letter).fill(letter);
    await cluster.writeFile("/busy", filled(1));
    let writing = true;
    const writer = (async () => {
      for (let letter = 2; letter < 12; letter += 1) {
        await cluster.writeFile("/busy", letter % 2 === 0 ? filled(letter) : cut(filled(letter), 10_000), {
          durability: "memory",
        });
      }
      writing = false;
    })();
    while (writing) {
      const seen = await cluster.readFile("/busy");
      const [letter = 0] = seen;
      assert.equal(seen.byteLength, size + letter);
      assert.ok(seen.every((byte) => byte === letter));
    }
    await writer;
  });

  it("stay as they were when what replaces them fails half-way, or is aborted", async () => {
    const { cluster } = local;
    await cluster.writeFile("/kept/file", "before");
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield BYTES;
      throw new RangeError("source");
    }
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const hanging: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          asked.resolve();
          return new Promise(() => {});
        },
        return: async () => {
          left.resolve();
          return { done: true, value: undefined };
        },
      }),
    };
    await assert.rejects(cluster.writeFile("/kept/file", failing()), RangeError);
    const stop = new AbortController();
    const aborted = cluster.writeFile("/kept/file", hanging, { signal: stop.signal });
    await asked.promise;
    stop.abort();
    await assert.rejects(aborted, isCode("ERR_ABORTED"));
    await left.promise;
    const signal = AbortSignal.abort();
    await assert.rejects(cluster.writeFile("/kept/file", BYTES, { signal }), isCode("ERR_ABORTED"));
    await assert.rejects(cluster.readFile("/kept/file", { signal }), isCode("ERR_ABORTED"));
    const notBytes = (async function* () {
      yield BYTES;
      yield "text" as unknown as Uint8Array;
    })();
    await assert.rejects(cluster.writeFile("/kept/file", notBytes), isCode("ERR_INVALID_ARGUMENT"));
    await assert.rejects(
      cluster.writeFile("/kept/file", 7 as unknown as string),
      isCode("ERR_INVALID_ARGUMENT"),
    );
    assert.equal(text(await cluster.readFile("/kept/file")), "before");
    assert.deepEqual(await names(cluster, "/kept"), ["file"]);
  });

  it("hold none of what they have taken while they are written, however much comes", async () => {
    const cluster = await local.attach("tcp");
    const chunkBytes = 2 ** 20;
    let heldBytes = 0;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      const beforeBytes = retainedBytes();
      for (let count = 0; count < 96; count += 1) yield new Uint8Array(chunkBytes);
      heldBytes = retainedBytes() - beforeBytes;
    }
    await cluster.writeFile("/whole/long", chunks());
    assert.ok(heldBytes < 32 * chunkBytes, `${heldBytes} bytes`);
    await cluster.remove("/whole/long");
  });

  it("are refused where a directory is, or nothing", async () => {
    const { cluster } = local;
    await cluster.mkdir("/folder");
    await assert.rejects(cluster.writeFile("/folder", "x"), isCode("EISDIR"));
    await assert.rejects(cluster.readFile("/folder"), isCode("EISDIR"));
    await assert.rejects(cluster.readFile("/nothing"), isCode("ENOENT"));
    assert.deepEqual(await names(cluster, "/folder"), []);
  });
});

it("a memory drive takes what needs not survive, and says so of the rest before it has the name", async () => {
  await using local = await startLocalCluster({ drive: "memory" });
  const { cluster } = local;
  await cluster.writeFile("/file", "default");
  for (const data of ["stable", cut(BYTES, 100_000)]) {
    await assert.rejects(
      cluster.writeFile("/file", data, { durability: "stable" }),
      isCode("ERR_NOT_DURABLE"),
    );
  }
  assert.equal(text(await cluster.readFile("/file")), "default");
  assert.deepEqual(await names(cluster, "/"), ["file"]);
});
