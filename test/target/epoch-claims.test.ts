import assert from "node:assert/strict";
import { test } from "node:test";
import { SimRandom } from "../../src/sim/random.ts";
import { EpochClaims } from "../../src/target/epoch-claims.ts";
import { OK, TOO_MANY } from "../../src/target/statuses.ts";
import type { WorkerSession } from "../../src/target/worker-session.ts";
import { EPOCH_MESSAGE, type EpochMessage } from "../../src/wire/epoch-message.ts";
import { SELF } from "./epoch-fixture.ts";

/** What one epoch may have, in one message: what the message itself takes in memory counts, too. */
const EPOCH_BYTES_MAX = (16 << 20) - 512;
const SESSIONS = 40;
/** All that sessions may have together is what so many epochs may have. */
const WHOLE_EPOCHS = 32;
const SESSION_EPOCHS = 2;

function more(session: number, sequence: number): EpochMessage {
  const name = { incarnation: "0".repeat(32), session, secret: "5e".repeat(8), sequence };
  const nothing = { stable: false, decider: SELF, reads: [], writes: [], others: [] };
  return { kind: EPOCH_MESSAGE.MORE, name, ...nothing };
}

/** @returns how many whole epochs find room at once; they are given up again */
function roomOf(claims: EpochClaims): number {
  let room = 0;
  for (let session = 0; session < SESSIONS; session += 1) {
    for (let epoch = 0; epoch < SESSION_EPOCHS; epoch += 1) {
      if (claims.add(session, more(session, 1e6 + epoch), EPOCH_BYTES_MAX) === OK) room += 1;
    }
  }
  for (let session = 0; session < SESSIONS; session += 1) claims.sessionEnded(session);
  return room;
}

test("what waited of epochs is counted until it is taken, dropped or refused, or its session ends, and no longer", () => {
  const seed = 7;
  const random = new SimRandom(seed);
  const claims = new EpochClaims(() => assert.fail("nothing is read or written"));
  assert.equal(roomOf(claims), WHOLE_EPOCHS);
  let refused = 0;
  for (let rounds = 0; rounds < 200; rounds += 1) {
    for (let steps = 0; steps < 200; steps += 1) {
      const session = random.between(0, SESSIONS - 1);
      const message = more(session, random.between(1, 5));
      const kind = random.between(0, 9);
      if (kind <= 6) {
        const bytes = random.pick([1, 1000, EPOCH_BYTES_MAX >> 2, EPOCH_BYTES_MAX]);
        if (claims.add(session, message, bytes) === TOO_MANY) refused += 1;
      } else if (kind === 7) claims.drop(session, message.name);
      else if (kind === 8)
        assert.equal(claims.take({ number: session } as WorkerSession, message).status, OK);
      else if (random.chance(0.1)) claims.sessionEnded(session);
    }
    for (let session = 0; session < SESSIONS; session += 1) claims.sessionEnded(session);
    assert.equal(roomOf(claims), WHOLE_EPOCHS, `seed ${seed}, round ${rounds}`);
  }
  assert.ok(refused > 1000, `${refused} were refused`);
});
