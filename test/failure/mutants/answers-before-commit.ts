/** A metadata service that answers from memory, and commits a moment later. */
import { LmdbEngine } from "../../../src/meta/engines/lmdb.ts";
import type { Key, KvEngine, Value } from "../../../src/ports/kv.ts";
import { SimKvDrive, SimKvEngine } from "../../../src/sim/kv-engine.ts";

const LATE_MS = 300;

type Write = readonly [key: Key, value: Value | undefined];

const { read, transact } = LmdbEngine.prototype;
const fronts = new WeakMap<KvEngine, Promise<SimKvEngine>>();
const ready = new WeakMap<KvEngine, SimKvEngine>();

function frontOf(engine: LmdbEngine): Promise<SimKvEngine> {
  const known = fronts.get(engine);
  if (known !== undefined) return known;
  const front = new SimKvEngine(new SimKvDrive());
  const entries = read.call(engine, (kv) => [
    ...kv.scan(Uint8Array.of(0), Uint8Array.of(255), Number.MAX_SAFE_INTEGER),
  ]) as [Key, Value][];
  const filled = front.transact((kv) => {
    for (const [key, value] of entries) kv.set(key, value);
    ready.set(engine, front);
    return front;
  });
  fronts.set(engine, filled);
  return filled;
}

LmdbEngine.prototype.read = function (body) {
  const front = ready.get(this);
  return front === undefined ? (read.call(this, body) as ReturnType<typeof body>) : front.read(body);
};

LmdbEngine.prototype.transact = async function (body) {
  const front = await frontOf(this);
  const writes: Write[] = [];
  const result = await front.transact((kv) =>
    body({
      get: (key) => kv.get(key),
      scan: (start, end, limit) => kv.scan(start, end, limit),
      set: (key, value) => {
        kv.set(key, value);
        writes.push([key, value]);
      },
      delete: (key) => {
        kv.delete(key);
        writes.push([key, undefined]);
      },
    }),
  );
  setTimeout(() => {
    void transact.call(this, (kv) => {
      for (const [key, value] of writes) value === undefined ? kv.delete(key) : kv.set(key, value);
    });
  }, LATE_MS);
  return result;
};
