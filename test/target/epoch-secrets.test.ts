/** Another origin of the cluster can name neither the epochs of a session nor what is to become of them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EPOCH_ANSWER } from "../../src/epoch/epoch-actions.ts";
import type { Result } from "../../src/wire/control.ts";
import { EPOCH_MESSAGE, type EpochMessage, encodeEpochMessage } from "../../src/wire/epoch-message.ts";
import type { EpochName } from "../../src/wire/epoch-name.ts";
import { OPCODE } from "../../src/wire/header.ts";
import { selfOf } from "./left-logs.ts";
import { TargetFixture } from "./target-fixture.ts";
import { command } from "./worker-fixture.ts";

const BYTES = 4096;
const { PREPARED, COMMITTED, REFUSED } = EPOCH_ANSWER;

type Session = Result<"session.open">;

/** A session with a window on a region of each of two workers, and a connection to each. */
async function enter(fixture: TargetFixture, regions: readonly number[]) {
  const origin = await fixture.origin();
  const session = await origin.openSession();
  const handles: number[] = [];
  for (const [worker, inode] of regions.entries()) {
    const window = { inode, index: 0, at: 0, byteLength: BYTES, rights: "rw", sharing: "managed" } as const;
    const bound = await origin.bind({ ...window, direct: false });
    assert.equal(bound.worker, worker);
    handles.push(bound.handle);
  }
  const clients = regions.map((_, worker) => fixture.enter(worker, session));
  /** Tells that worker something. @returns what it answers */
  const tell = async (
    worker: number,
    kind: keyof typeof EPOCH_MESSAGE,
    name: EpochName,
    decider: number,
    writes: EpochMessage["writes"] = [],
  ): Promise<number> => {
    const more = { stable: false, decider: selfOf(decider), reads: [], writes, others: [] };
    const payload = encodeEpochMessage({ kind: EPOCH_MESSAGE[kind], name, ...more });
    const client = clients[worker] ?? assert.fail("it has a connection there");
    client.send(command({ opcode: OPCODE.EPOCH, length: payload.length, payload }));
    await fixture.steps(20);
    const { status, value } = client.answer();
    assert.equal(status, 0);
    return Number(value);
  };
  const write = (worker: number, byte: number) => [
    { handle: handles[worker] as number, at: 0, bytes: Uint8Array.of(byte) },
  ];
  return { session, tell, write };
}

function nameOf({ incarnation, session, epochSecret: secret }: Session, sequence: number): EpochName {
  return { incarnation, session, secret, sequence };
}

async function siege() {
  const fixture = new TargetFixture({ workers: 2 });
  await fixture.registered();
  const regions: number[] = [];
  const origin = await fixture.origin();
  await origin.openSession();
  for (let inode = 1; regions[0] === undefined || regions[1] === undefined; inode += 1) {
    await fixture.createRegion(inode, 0, BYTES);
    const window = { inode, index: 0, at: 0, byteLength: BYTES, rights: "r", sharing: "managed" } as const;
    regions[(await origin.bind({ ...window, direct: false })).worker] = inode;
  }
  return { fixture, victim: await enter(fixture, regions), attacker: await enter(fixture, regions) };
}

describe("epochs of a session", () => {
  test("cannot be aborted by an origin that prepares under their names elsewhere, and leaves", async () => {
    const { fixture, victim, attacker } = await siege();
    for (const [round, secret] of [attacker.session.epochSecret, "0".repeat(16)].entries()) {
      const own = nameOf(victim.session, round + 1);
      const guessed = { ...own, secret };
      assert.equal(await attacker.tell(1, "PREPARE", guessed, 0, attacker.write(1, 7)), PREPARED);
      await attacker.tell(1, "LEAVE", guessed, 0);
      // The participant asks the decider, which knows of no such epoch.
      await fixture.steps(20);
      assert.equal(await victim.tell(0, "COMMIT_ALONE", own, 0, victim.write(0, round + 1)), COMMITTED);
    }
    // What was prepared is over: the decider has aborted it.
    const free = nameOf(victim.session, 9);
    assert.equal(await victim.tell(1, "COMMIT_ALONE", free, 1, victim.write(1, 1)), COMMITTED);
  });

  test("are told apart from those that others prepare beside them: these do not end with them", async () => {
    const { victim, attacker } = await siege();
    const own = nameOf(victim.session, 1);
    const guessed = { ...own, secret: attacker.session.epochSecret };
    assert.equal(await attacker.tell(0, "PREPARE", guessed, 1), PREPARED);
    assert.equal(await victim.tell(0, "PREPARE", own, 0, victim.write(0, 1)), PREPARED);
    assert.equal(await attacker.tell(0, "FINISH_ABORTED", own, 1), REFUSED);
    assert.equal(await victim.tell(0, "DECIDE", own, 0), COMMITTED);
  });

  test("are decided under the session's own secret only", async () => {
    const { victim } = await siege();
    const strange = { ...nameOf(victim.session, 1), secret: "0".repeat(16) };
    assert.equal(await victim.tell(0, "COMMIT_ALONE", strange, 0, victim.write(0, 1)), REFUSED);
    assert.equal(await victim.tell(0, "PREPARE", strange, 0, victim.write(0, 1)), REFUSED);
    assert.equal(
      await victim.tell(0, "COMMIT_ALONE", nameOf(victim.session, 1), 0, victim.write(0, 1)),
      COMMITTED,
    );
  });

  test("have secrets that nobody can tell from others': they differ, and stand in no log", async () => {
    const { fixture, victim, attacker } = await siege();
    const secrets = [victim.session.epochSecret, attacker.session.epochSecret];
    assert.notEqual(secrets[0], secrets[1]);
    const told = JSON.stringify([fixture.told, fixture.log.lines]);
    for (const { session, epochSecret } of [victim.session, attacker.session]) {
      assert.match(epochSecret, /^[0-9a-f]{16}$/);
      assert.ok(!told.includes(epochSecret), `what is told tells the secret of session ${session}`);
    }
  });
});
