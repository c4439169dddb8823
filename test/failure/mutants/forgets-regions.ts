/** A metadata service that does not write down what targets have still to remove. */
import { LmdbEngine } from "../../../src/meta/engines/lmdb.ts";
import { removalKey } from "../../../src/meta/keys.ts";

const REMOVAL = removalKey("", 0, 0)[0];
const { transact } = LmdbEngine.prototype;

LmdbEngine.prototype.transact = function (body) {
  return transact.call(this, (kv) =>
    body({
      get: (key) => kv.get(key),
      scan: (start, end, limit) => kv.scan(start, end, limit),
      set: (key, value) => {
        if (key[0] !== REMOVAL) kv.set(key, value);
      },
      delete: (key) => kv.delete(key),
    }),
  ) as ReturnType<typeof this.transact<ReturnType<typeof body>>>;
};
