import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { fileReadable } from "../../src/client/file-readable.ts";
import { fileWritable } from "../../src/client/file-writable.ts";
import { type Cluster, type DidafsFile, type ErrorCode, isDidafsError } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";

const isCode = (code: ErrorCode) => (error: unknown) => isDidafsError(error, code);
const SIZE = 5 * 2 ** 20 + 123;
const BYTES = Uint8Array.from({ length: SIZE }, (_, at) => at * 31 + (at >>> 11));
const SMALL = { chunkBytes: 5000, depth: 3 };

let local: LocalCluster;
let files = 0;
before(async () => {
  local = await startLocalCluster({ targets: 3 });
});
after(() => local[Symbol.asyncDispose]());

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** No window of the managed kind is open on the file any more, else this could not be. */
async function assertReleased(file: DidafsFile): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  for (;;) {
    try {
      await (await file.window({ sharing: "raw", rights: "rw" })).close();
      return;
    } catch (error) {
      // A stream that its signal ends lets go in the background.
      assert.ok(
        isDidafsError(error, "ERR_SHARING_CONFLICT") && performance.now() < deadlineMs,
        String(error),
      );
      await sleep(5);
    }
  }
}

for (const transport of ["direct", "tcp"] as const) {
  for (const targets of [1, 3]) {
    describe(`streams over a file (${transport}, ${targets} target(s))`, () => {
      let cluster: Cluster;
      before(async () => {
        cluster = await local.attach(transport);
      });

      async function newFile(size: number): Promise<DidafsFile> {
        const path = `/streams/${transport}-${files++}`;
        return await cluster.open(path, { create: "exclusive", size, targets, stripeUnit: 65_536 });
      }

      async function fullFile(): Promise<DidafsFile> {
        const file = await newFile(SIZE);
        await using window = await file.window({ rights: "rw" });
        await window.put(0, BYTES);
        return file;
      }

      it("read all of it, and ranges, in order", async () => {
        await using file = await fullFile();
        assert.ok((await bytesOf(file.readable())).equals(BYTES));
        assert.ok((await bytesOf(file.readable({ at: 70_001 }))).equals(BYTES.subarray(70_001)));
        const range = file.readable({ at: 2 ** 20 - 3, length: 2 ** 20 + 9 });
        assert.ok((await bytesOf(range)).equals(BYTES.subarray(2 ** 20 - 3, 2 ** 21 + 6)));
        assert.equal((await bytesOf(file.readable({ at: SIZE }))).byteLength, 0);
        assert.throws(() => file.readable({ at: 1, length: SIZE }), isCode("ERR_RANGE"));
        assert.throws(() => file.readable({ at: SIZE + 1 }), isCode("ERR_RANGE"));
        await assertReleased(file);
      });

      it("write and read back the same bytes, however both are cut", async () => {
        await using file = await newFile(40_000);
        const sizes = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 8 });
        const property = fc.asyncProperty(sizes, sizes, fc.nat(3000), async (cuts, buffers, at) => {
          const total = Math.min(
            cuts.reduce((sum, cut) => sum + cut, 0),
            40_000 - at,
          );
          const parts = { file, at, grow: false, sharing: undefined, durability: "memory" as const };
          const limits = { turn, timeoutMs: undefined, signal: undefined };
          const writer = fileWritable({ ...parts, ...limits }, SMALL).getWriter();
          for (let from = 0, turn = 0; from < total; turn += 1) {
            const to = Math.min(from + (cuts[turn % cuts.length] as number), total);
            const chunk = BYTES.slice(from, to);
            await writer.write(chunk);
            chunk.fill(0);
            from = to;
          }
          await writer.close();
          const open = () => file.window();
          const reader = fileReadable({ open, at, end: at + total, ...limits }, SMALL).getReader({
            mode: "byob",
          });
          const seen: Uint8Array[] = [];
          for (let turn = 0; ; turn += 1) {
            const { value, done } = await reader.read(
              new Uint8Array(buffers[turn % buffers.length] as number),
            );
            if (done) break;
            seen.push(value);
          }
          assert.ok(Buffer.concat(seen).equals(BYTES.subarray(0, total)));
        });
        await fc.assert(property, { numRuns: 15 });
      });

      it("write in place from anywhere, and leave what is around", async () => {
        await using file = await fullFile();
        const middle = new Uint8Array(2 ** 20 + 5).fill(7);
        const writer = file.writable({ at: 999_999 }).getWriter();
        await writer.write(middle.subarray(0, 10));
        await writer.write(middle.subarray(10));
        await writer.close();
        const expected = BYTES.slice();
        expected.set(middle, 999_999);
        assert.ok((await bytesOf(file.readable())).equals(expected));
        assert.equal(file.size, SIZE);
        await assertReleased(file);
      });

      it("refuse what would end behind the file's end, before any of it is written, unless they may grow", async () => {
        await using file = await newFile(100);
        assert.throws(() => file.writable({ at: 101 }), isCode("ERR_RANGE"));
        assert.throws(() => file.writable({ at: -1, grow: true }), isCode("ERR_RANGE"));
        const writer = file.writable({ at: 90 }).getWriter();
        const closed = assert.rejects(writer.closed, isCode("ERR_RANGE"));
        await assert.rejects(writer.write(new Uint8Array(11).fill(1)), (error) => {
          assert.match(
            String(error),
            /11 bytes at 90 .* the 100 bytes of .*resize it first, or write with grow: true/,
          );
          return isCode("ERR_RANGE")(error);
        });
        await closed;
        assert.ok((await bytesOf(file.readable())).equals(new Uint8Array(100)));
        await using readOnly = await cluster.open(file.path, { rights: "r" });
        assert.throws(() => readOnly.writable(), isCode("ERR_RIGHTS"));
      });

      it("make a file longer, and leave it exactly as long as what was written", async () => {
        await using file = await newFile(0);
        for (const [length, expected] of [
          [SIZE, SIZE],
          [10, SIZE],
          [0, SIZE],
        ] as const) {
          const writer = file.writable({ grow: true }).getWriter();
          for (let at = 0; at < length; at += 70_001) {
            await writer.write(BYTES.subarray(at, Math.min(at + 70_001, length)));
          }
          await writer.close();
          assert.deepEqual([file.size, (await file.stat()).size], [expected, expected]);
        }
        const writer = file.writable({ at: SIZE + 9, grow: true, durability: "stable" }).getWriter();
        await writer.write(BYTES.subarray(0, 2 ** 21));
        await writer.close();
        const expected = new Uint8Array(SIZE + 9 + 2 ** 21);
        expected.set(BYTES);
        expected.set(BYTES.subarray(0, 2 ** 21), SIZE + 9);
        assert.ok((await bytesOf(file.readable())).equals(expected));
        await assertReleased(file);
      });

      it("let go of the window when they are cancelled, aborted, or their signal is", async () => {
        await using file = await fullFile();
        const reader = file.readable().getReader();
        await reader.read();
        await reader.cancel();
        await assertReleased(file);

        const stop = new AbortController();
        const stopped = file.readable({ signal: stop.signal }).getReader();
        await stopped.read();
        stop.abort(new Error("enough"));
        await assert.rejects(stopped.read(), isCode("ERR_ABORTED"));
        await assert.rejects(stopped.closed, isCode("ERR_ABORTED"));
        await assertReleased(file);

        const writer = file.writable().getWriter();
        const closed = assert.rejects(writer.closed, /enough/);
        await writer.write(BYTES.subarray(0, 2 ** 21));
        await writer.abort(new Error("enough"));
        await closed;
        await assertReleased(file);

        const end = new AbortController();
        const ended = file.writable({ signal: end.signal }).getWriter();
        await ended.write(BYTES.subarray(0, 2 ** 21));
        const told = assert.rejects(ended.closed, isCode("ERR_ABORTED"));
        end.abort();
        await told;
        await assert.rejects(ended.write(new Uint8Array(1)), isCode("ERR_ABORTED"));
        await assertReleased(file);
        const aborted = { signal: AbortSignal.abort() };
        await assert.rejects(file.readable(aborted).getReader().read(), isCode("ERR_ABORTED"));
        await assert.rejects(
          file.writable(aborted).getWriter().write(new Uint8Array(1)),
          isCode("ERR_ABORTED"),
        );
      });

      it("that fail give the file its former length back", async () => {
        await using file = await newFile(1000);
        const writer = file.writable({ at: 1000, grow: true }).getWriter();
        const closed = assert.rejects(writer.closed);
        await writer.write(BYTES.subarray(0, 3 * 2 ** 20));
        assert.ok(file.size > 3 * 2 ** 20);
        await writer.abort();
        await closed;
        assert.deepEqual([file.size, (await file.stat()).size], [1000, 1000]);
      });

      it("end with what ends the file", async () => {
        const file = await fullFile();
        const reader = file.readable().getReader();
        await reader.read();
        const writer = file.writable().getWriter();
        const closed = assert.rejects(writer.closed, isCode("ERR_CLOSED"));
        await writer.write(BYTES.subarray(0, 10));
        await file.close();
        await assert.rejects(async () => {
          while (!(await reader.read()).done);
        }, isCode("ERR_CLOSED"));
        await assert.rejects(writer.close(), isCode("ERR_CLOSED"));
        await closed;
        assert.throws(() => file.readable(), isCode("ERR_CLOSED"));
        assert.throws(() => file.writable(), isCode("ERR_CLOSED"));
      });
    });
  }
}
