/** The two refusals that a live run cannot bring about often: a circle has to last, and a target that runs knows epochs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHECK_MS } from "../../src/epoch/lock-table.ts";
import { LOCK_EXCLUSIVE } from "../../src/wire/ops.ts";
import { command, type RawClient, READ_WRITE, WorkerFixture } from "../target/worker-fixture.ts";
import { announce, SEED, timeoutOf } from "./budget.ts";
import { Dice } from "./dice.ts";
import { STATUS } from "./oracle/statuses.ts";
import { OPCODES } from "./wire/frame.ts";

const TIMES = 150;
const BYTES = 4096;
const INODE = 5;

function enter(fixture: WorkerFixture, sessions: number): RawClient[] {
  const { descriptor } = fixture.createRegion(INODE, BYTES);
  const region = { inode: INODE, descriptor, byteLength: BYTES };
  return Array.from({ length: sessions }, (_, session) => {
    const token = fixture.openSession(session);
    assert.equal(fixture.bind(session, 1, region, { at: 0, byteLength: BYTES }, READ_WRITE), 0);
    return fixture.enter(session, token);
  });
}

test(
  "circles of any length that last lose one of their waits, whatever ranges they are made of",
  timeoutOf("seldom"),
  (context) => {
    announce(context, "seldom");
    const dice = new Dice(SEED);
    let deadlocks = 0;
    for (let round = 0; round < TIMES; round += 1) {
      const fixture = new WorkerFixture();
      const clients = enter(fixture, dice.between(2, 6));
      const width = dice.between(1, 64);
      const lock = (client: RawClient, id: number, place: number): void =>
        client.send(
          command({
            opcode: OPCODES.LOCK,
            flags: LOCK_EXCLUSIVE,
            tag: id,
            handle: 1,
            offset: place * width,
            length: width,
            operand: BigInt(id),
            compare: 60_000n,
          }),
        );
      for (const [place, client] of clients.entries()) {
        lock(client, 1, place);
        assert.deepEqual([client.answer().status, client.tryAnswer()], [STATUS.OK, undefined]);
      }
      for (const [place, client] of clients.entries()) lock(client, 2, (place + 1) % clients.length);
      fixture.step(10);
      fixture.nowMs += CHECK_MS + dice.between(1, 5000);
      fixture.step(10);
      const answered = clients.filter((client) => {
        client.receive();
        const answer = client.tryAnswer();
        if (answer !== undefined) assert.equal(answer.status, STATUS.DEADLOCK);
        return answer !== undefined;
      });
      assert.equal(answered.length, 1, "one of them, and no more");
      deadlocks += answered.length;
    }
    context.diagnostic(`DEADLOCK ${deadlocks}`);
    assert.ok(deadlocks >= 100);
  },
);

test("a worker that has no log yet refuses all epochs, whatever they say", timeoutOf("seldom"), (context) => {
  const dice = new Dice(SEED);
  const [client] = enter(new WorkerFixture(), 1) as [RawClient];
  for (let round = 0; round < TIMES; round += 1) {
    const payload = new Uint8Array(dice.between(1, 600));
    dice.fill(payload);
    const epoch = { opcode: OPCODES.EPOCH, tag: round, length: payload.length, payload };
    assert.equal(client.call(epoch).status, STATUS.NOT_SUPPORTED);
  }
  context.diagnostic(`NOT_SUPPORTED ${TIMES}`);
});
