/** A worker that checks what an epoch writes, and then writes it one byte further. */
import { EpochClaims } from "../../../src/target/epoch-claims.ts";

const { take } = EpochClaims.prototype;

EpochClaims.prototype.take = function (session, message) {
  const claimed = take.call(this, session, message);
  if (claimed.claim === undefined) return claimed;
  const writes = claimed.content.writes.map((write) => ({ ...write, at: write.at + 1 }));
  return { ...claimed, content: { ...claimed.content, writes } };
};
