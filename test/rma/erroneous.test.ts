/** What MPI-3 calls erroneous (11.5.3, 11.6.2): here a typed error each, nothing is applied, and the window goes on. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type Cluster,
  type DidafsFile,
  type DidafsWindow,
  type ErrorCode,
  isDidafsError,
} from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";
import { SHARINGS, type Sharing, UNIT, WORD_BYTES } from "./rank.ts";

type Call = (window: DidafsWindow, at: number) => unknown;

const SIZE = 3 * UNIT;
const word = (): BigInt64Array => BigInt64Array.of(-1n);

const READS: Record<string, Call> = {
  get: (w, at) => w.get(at, word()),
  getSync: (w, at) => w.getSync(at, word()),
  load: (w, at) => w.load(at),
  loadSync: (w, at) => w.loadSync(at),
  "batch get": (w, at) => w.batch().get(at, word()).run(),
  "batch getVector": (w, at) => w.batch().getVector([0, 0, at, WORD_BYTES], word()).run(),
  "shared lock": async (w, at) => (await w.lock({ at, length: WORD_BYTES, mode: "shared" })).release(),
};
const WRITES: Record<string, Call> = {
  put: (w, at) => w.put(at, word()),
  putSync: (w, at) => w.putSync(at, word()),
  store: (w, at) => w.store(at, -1),
  storeSync: (w, at) => w.storeSync(at, -1),
  fetchAdd: (w, at) => w.fetchAdd(at, -1),
  fetchOpSync: (w, at) => w.fetchOpSync("replace", at, -1),
  compareAndSwap: (w, at) => w.compareAndSwap(at, 0, -1),
  compareAndSwapSync: (w, at) => w.compareAndSwapSync(at, 0, -1),
  accumulate: (w, at) => w.accumulate("or", at, word()),
  "batch put": (w, at) => w.batch().put(at, word()).run(),
  "batch putVector": (w, at) => w.batch().putVector([0, 0, at, WORD_BYTES], word()).run(),
  "exclusive lock": async (w, at) => (await w.lock({ at, length: WORD_BYTES, mode: "exclusive" })).release(),
};
const WORDS = ["load", "loadSync", "store", "storeSync", "fetchAdd", "fetchOpSync"];
const SWAPS = ["compareAndSwap", "compareAndSwapSync", "accumulate"];

describe("what is erroneous", () => {
  let local: LocalCluster;
  const clients: Cluster[] = [];
  let files = 0;
  before(async () => {
    local = await startLocalCluster({ targets: 2 });
    for (const transport of ["direct", "tcp"] as const) clients.push(await local.attach(transport));
  });
  after(() => local[Symbol.asyncDispose]());

  /** On a new file of zeros for each transport and kind; they are still there, and the window works, when the body is done. */
  async function onEachKind(
    body: (window: DidafsWindow, file: DidafsFile, sharing: Sharing) => Promise<void>,
  ): Promise<void> {
    for (const client of clients) {
      for (const sharing of SHARINGS) {
        const layout = { create: "exclusive", size: SIZE, targets: 2, stripeUnit: UNIT } as const;
        await using file = await client.open(`/erroneous/${files++}`, layout);
        await using window = await file.window({ rights: "rw", sharing });
        await body(window, file, sharing);
        await using after = await file.window({ rights: "rw", sharing });
        assert.ok((await after.get(0, new Uint8Array(SIZE))).every((byte) => byte === 0));
        assert.equal(await after.fetchAdd(UNIT, 1), 0);
      }
    }
  }

  async function refuses(code: ErrorCode, what: string, call: () => unknown): Promise<void> {
    await assert.rejects(
      async () => call(),
      (error) => isDidafsError(error, code),
      `${what}: ${code}`,
    );
  }

  it("an access that leaves the window is refused, also where it begins inside", async () => {
    await onEachKind(async (window) => {
      for (const [name, call] of Object.entries({ ...READS, ...WRITES })) {
        for (const at of [SIZE, SIZE + UNIT, -WORD_BYTES, 2 ** 52]) {
          await refuses("ERR_RANGE", `${name} at ${at}`, () => call(window, at));
        }
      }
      const tooMany = new BigInt64Array(2).fill(-1n);
      for (const name of ["put", "accumulate"] as const) {
        const last = SIZE - WORD_BYTES;
        const call = name === "put" ? window.put(last, tooMany) : window.accumulate("add", last, tooMany);
        await refuses("ERR_RANGE", `${name} at ${last}`, () => call);
      }
    });
  });

  it("a window that may only read refuses what writes, and an exclusive lock", async () => {
    await onEachKind(async (_, file, sharing) => {
      await using reading = await file.window({ sharing });
      for (const [name, call] of Object.entries(WRITES)) {
        await refuses("ERR_RIGHTS", name, () => call(reading, 0));
      }
      for (const call of Object.values(READS)) await call(reading, 0);
    });
  });

  it("a word that is not aligned to its type is refused; bytes may begin anywhere", async () => {
    await onEachKind(async (window) => {
      for (const [name, call] of Object.entries({ ...READS, ...WRITES })) {
        if (!WORDS.includes(name) && !SWAPS.includes(name)) continue;
        for (const at of [4, UNIT - 4]) {
          await refuses("ERR_ALIGNMENT", `${name} at ${at}`, () => call(window, at));
        }
      }
      await refuses("ERR_ALIGNMENT", "an i32", () => window.store(2, -1, "i32"));
      await window.put(UNIT - 3, new Uint8Array(6));
    });
  });

  it("an operation or type that there is not, and a value that the type cannot hold, are refused", async () => {
    await onEachKind(async (window) => {
      const bad = "ERR_INVALID_ARGUMENT";
      await refuses(bad, "MPI_PROD", () => window.fetchOp("prod" as "add", 0, 2));
      await refuses(bad, "MPI_PROD", () => window.accumulate("prod" as "add", 0, word()));
      await refuses(bad, "a short", () => window.store(0, 1, "i16" as "i32"));
      await refuses(bad, "single floats", () => window.accumulate("add", 0, Float32Array.of(1) as never));
      await refuses(bad, "half a number", () => window.fetchAdd(0, 0.5));
      await refuses(bad, "too large", () => window.compareAndSwap(0, 0, 2 ** 32, "u32"));
    });
  });

  it("a window that was freed refuses every call, and freeing it again does nothing", async () => {
    await onEachKind(async (window) => {
      const batch = window.batch().put(0, word());
      await window.close();
      await window.close();
      for (const [name, call] of Object.entries({ ...READS, ...WRITES })) {
        await refuses("ERR_CLOSED", name, () => call(window, 0));
      }
      await refuses("ERR_CLOSED", "a batch that was filled before", () => batch.run());
      await refuses("ERR_CLOSED", "flush", () => window.flush());
      await refuses("ERR_CLOSED", "flushSync", () => window.flushSync());
    });
  });

  it("unlocking twice, or after the window, frees nothing that others have locked since", async () => {
    const range = { at: 0, length: WORD_BYTES, mode: "exclusive" } as const;
    await onEachKind(async (window, file, sharing) => {
      const lock = await window.lock(range);
      await lock.release();
      await using other = await file.window({ rights: "rw", sharing });
      await using _ = await other.lock(range);
      await lock.release();
      await window.close();
      await lock.release();
      await using third = await file.window({ rights: "rw", sharing });
      assert.equal(await third.tryLock(range), undefined);
    });
  });

  it("locking again what one has locked oneself is not granted, and takes nothing away", async () => {
    const range = { at: 0, length: WORD_BYTES, mode: "exclusive" } as const;
    await onEachKind(async (window) => {
      const lock = await window.lock(range);
      await refuses("ERR_TIMEOUT", "again", () => window.lock(range, { timeoutMs: 50 }));
      assert.equal(await window.tryLock({ ...range, mode: "shared" }), undefined, "it is still held");
      await lock.release();
      await using _ = await window.lock(range);
      await refuses("ERR_INVALID_ARGUMENT", "a lock on nothing", () => window.lock({ ...range, length: 0 }));
      const mode = "nocheck" as "shared";
      await refuses("ERR_INVALID_ARGUMENT", "a lock of no kind", () => window.lock({ ...range, mode }));
    });
  });
});
