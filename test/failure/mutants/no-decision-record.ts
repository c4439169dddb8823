/** Deciders that write down something else than what they have decided. */
import { RECORD_KIND } from "../../../src/epoch/commit-records.ts";
import { EpochLog } from "../../../src/epoch/log.ts";
import { encodeRecord } from "../../../src/epoch/record-codec.ts";

const { append } = EpochLog.prototype;
const NOTHING = { kind: RECORD_KIND.FLUSHED, inode: 1, index: 0, upTo: 0 };

EpochLog.prototype.append = function (kind, parts) {
  if (kind !== RECORD_KIND.COMMITTED) return append.call(this, kind, parts);
  return append.call(this, NOTHING.kind, encodeRecord(NOTHING));
};
