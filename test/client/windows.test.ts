import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Cluster, type DidafsFile, isDidafsError, type Transport } from "../../src/index.ts";
import { type LocalCluster, startLocalCluster } from "../support/local-cluster.ts";

type Code = Parameters<typeof isDidafsError>[1];
const isCode = (code: Code) => (error: unknown) => isDidafsError(error, code as never);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const HELLO = new TextEncoder().encode("hello");
const SIZE = 100_000;

describe("kinds of windows", () => {
  let local: LocalCluster;
  const clients = new Map<Transport, Cluster>();
  let files = 0;
  before(async () => {
    local = await startLocalCluster({ targets: 3 });
    for (const transport of ["auto", "direct", "tcp"] as const)
      clients.set(transport, await local.attach(transport));
  });
  after(() => local[Symbol.asyncDispose]());

  /** The same new file as each client sees it. */
  async function openFile(targets = 1): Promise<(transport: Transport) => Promise<DidafsFile>> {
    const path = `/windows/${files++}`;
    await using _ = await local.cluster.open(path, {
      create: "exclusive",
      size: SIZE,
      targets,
      stripeUnit: 4096,
    });
    return (transport) => (clients.get(transport) as Cluster).open(path);
  }

  it("say how they are reached, shared and protected", async () => {
    const open = await openFile();
    const kinds = [
      ["auto", {}, "direct managed advisory"],
      ["tcp", {}, "tcp managed checked"],
      ["auto", { at: 4096, length: 4096 }, "unix managed checked"],
      ["tcp", { at: 4096, length: 4096 }, "tcp managed checked"],
    ] as const;
    for (const [transport, options, expected] of kinds) {
      await using window = await (await open(transport)).window(options);
      assert.equal(`${window.locality} ${window.sharing} ${window.protection}`, expected);
      assert.equal(window.rights, "r");
    }
    const file = await open("auto");
    await using window = await file.window({ rights: "rw", sharing: "raw" });
    assert.equal(`${window.locality} ${window.sharing} ${window.rights}`, "direct raw rw");
    const part = (await open("direct")).window({ at: 0, length: 4096, sharing: "raw" });
    await assert.rejects(part, isCode("ERR_NOT_DIRECT"), "only a whole region is mapped");
  });

  it("give the bytes themselves where these are mapped in one run", async () => {
    const open = await openFile();
    await using window = await (await open("direct")).window({ rights: "rw", sharing: "raw" });
    await using other = await (await open("tcp")).window({ sharing: "raw" });
    const view = window.view(100, 5);
    view.set(HELLO);
    assert.equal(
      text(other.getSync(100, new Uint8Array(5))),
      "hello",
      "a store to the view is seen by others",
    );
    const words = window.view(BigInt64Array, 8, 2);
    assert.equal(Atomics.add(words, 0, 3n), 0n);
    assert.equal(other.loadSync(8), 3);
    assert.throws(() => window.view(BigInt64Array, 4, 1), isCode("ERR_ALIGNMENT"));
    assert.throws(() => window.view(SIZE - 4, 8), isCode("ERR_RANGE"));
    assert.throws(() => other.view(0, 8), isCode("ERR_NOT_DIRECT"));
    await window.close();
    assert.equal(view.length, 0, "closing detaches what it handed out");
    assert.throws(() => Atomics.load(words, 0), TypeError);
    assert.throws(() => window.view(0, 8), isCode("ERR_CLOSED"));
  });

  it("keep a store to a view that must not store to this process", async () => {
    const open = await openFile();
    await using managed = await (await open("direct")).window({ rights: "rw" });
    managed.putSync(0, HELLO);
    const view = managed.view(0, SIZE);
    assert.equal(text(view.subarray(0, 5)), "hello");
    view[0] = 74;
    assert.equal(text(view.subarray(0, 5)), "Jello");
    assert.equal(
      text(managed.getSync(0, new Uint8Array(5))),
      "hello",
      "gets of the same window see the file",
    );
    managed.putSync(50_000, HELLO);
    assert.equal(
      text(view.subarray(50_000, 50_005)),
      "hello",
      "pages that were not stored to follow the file",
    );
  });

  it("refuse a view over several targets, not one within a stripe unit", async () => {
    const open = await openFile(3);
    await using window = await (await open("direct")).window({ rights: "rw", sharing: "raw" });
    window.view(4096, 4096).set(HELLO);
    assert.equal(text(window.getSync(4096, new Uint8Array(5))), "hello");
    assert.throws(() => window.view(4095, 2), isCode("ERR_NOT_CONTIGUOUS"));
  });

  it("are of one kind on a file at a time", async () => {
    const open = await openFile();
    const managed = await (await open("tcp")).window();
    const raw = async () => (await open("direct")).window({ rights: "rw", sharing: "raw" });
    await assert.rejects(
      raw(),
      (error) => isCode("ERR_SHARING_CONFLICT")(error) && /\/windows\//.test(String(error)),
    );
    await managed.close();
    await using window = await raw();
    assert.equal(window.sharing, "raw");
  });

  it("on a range count from its start, and reach no further", async () => {
    const open = await openFile(3);
    await using whole = await (await open("auto")).window({ rights: "rw" });
    await using part = await (await open("tcp")).window({ rights: "rw", at: 4000, length: 10_000 });
    assert.equal(part.length, 10_000);
    part.putSync(0, HELLO);
    part.putSync(9995, HELLO);
    assert.equal(text(whole.getSync(4000, new Uint8Array(5))), "hello");
    assert.equal(text(whole.getSync(13_995, new Uint8Array(5))), "hello");
    assert.throws(() => part.putSync(9996, HELLO), isCode("ERR_RANGE"));
    assert.equal(part.fetchAddSync(8, 1), 0);
    assert.equal(whole.loadSync(4008), 1);
    const file = await open("auto");
    await assert.rejects(file.window({ at: SIZE - 1, length: 2 }), isCode("ERR_RANGE"));
  });
});

it("a memory drive serves everything but stable flushes", async () => {
  await using local = await startLocalCluster({ drive: "memory" });
  for (const transport of ["direct", "tcp"] as const) {
    const client = await local.attach(transport);
    await using file = await client.open(`/volatile-${transport}`, { create: true, size: SIZE });
    assert.equal(file.layout.regions[0]?.drive, "memory");
    await using window = await file.window({ rights: "rw", sharing: "raw" });
    window.putSync(0, HELLO);
    await window.flush("memory");
    assert.equal(text(await window.get(0, new Uint8Array(5))), "hello");
    await assert.rejects(window.flush("stable"), isCode("ERR_NOT_DURABLE"));
    assert.throws(() => window.flushSync("stable"), isCode("ERR_NOT_DURABLE"));
  }
});
