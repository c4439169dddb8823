import assert from "node:assert/strict";
import type { Dice } from "../dice.ts";
import { type Admission, Oracle } from "../oracle/oracle.ts";
import { STATUS } from "../oracle/statuses.ts";
import { Tally } from "../tally.ts";
import { AT, Batch, OPCODES, TOKEN } from "../wire/frame.ts";
import { AttackSession, hello } from "./attack-session.ts";
import type { Kind } from "./control-channel.ts";
import { RawConnection } from "./raw-connection.ts";
import type { Siege } from "./siege.ts";
import { pause, until } from "./turns.ts";

/** Data connections that a session may have at a worker. */
const CONNECTIONS_MAX = 16;
/** Each costs the kernel a port for a minute, so they take their time. */
const PAUSE_MS = 4;

type Opening = (batch: Batch, dice: Dice) => void;

const withToken =
  (body: (batch: Batch, at: number, dice: Dice) => void): Opening =>
  (batch, dice) => {
    const at = batch.header(OPCODES.HELLO, 3, 0);
    batch.u64(at + AT.operand, dice.pick([0, 1, 2 ** 32, 2 ** 53]));
    dice.fill(batch.payload(at, TOKEN));
    body(batch, at, dice);
  };

/** First words of those that have no session, or not the right token. */
const OPENINGS: readonly Opening[] = [
  withToken(() => {}),
  withToken((batch, at, dice) => batch.u8(at + AT.version, dice.pick([0, 2, 3, 255]))),
  withToken((batch, at, dice) => batch.u8(at + AT.opcode, dice.pick([0, 2, 3, 6, 32, 255]))),
  withToken((batch, at, dice) => {
    batch.end = at + 64;
    batch.payload(at, dice.pick([0, 1, 31, 33, 100]));
  }),
  withToken((batch, at, dice) => batch.u16(at + AT.notification, dice.between(1, 0xffff))),
  withToken((batch, at, dice) => batch.cut(at + dice.between(1, 90))),
  (batch, dice) => {
    batch.end = dice.between(1, 300);
    dice.fill(batch.bytes.subarray(0, batch.end));
  },
];

/** Opens connections without a session, or one more than a session may have. */
export async function strangers(
  siege: Siege,
  kind: Kind,
  dice: Dice,
  tally: Tally,
  isOver: () => boolean,
): Promise<void> {
  const crowd = await AttackSession.open({ siege, kind, dice, tally: new Tally() });
  for (let i = 0; i < CONNECTIONS_MAX; i += 1) crowd.connect();
  await crowd.drained();
  const { session, token } = crowd.channel;
  while (!isOver()) {
    const isOneMore = dice.percent(20);
    const admission = { session, token, status: STATUS.TOO_MANY };
    const batch = new Batch(1024);
    if (isOneMore) {
      batch.bytes.set(hello(session, token));
      batch.end = 64 + TOKEN;
    } else dice.pick(OPENINGS)(batch, dice);
    await visit(siege, kind, dice, tally, admission, batch.bytes.slice(0, batch.end));
    crowd.step();
    assert.ok(!crowd.channel.ended, "strangers end nobody's session");
    await pause(PAUSE_MS);
  }
  crowd.channel.close();
  await crowd.gone();
}

async function visit(
  siege: Siege,
  kind: Kind,
  dice: Dice,
  tally: Tally,
  admission: Admission,
  bytes: Uint8Array,
): Promise<void> {
  const oracle = new Oracle(admission, { lands: new Map(), durable: siege.durable });
  const connection = new RawConnection(siege.worker(kind), oracle, tally, dice);
  connection.give(bytes);
  await until(
    "a stranger's end",
    () => connection.step(),
    () => connection.ended || (connection.idle && !oracle.over),
  );
  if (oracle.breach !== undefined) tally.breached(oracle.breach, oracle.breachPassed);
  if (oracle.turnedAway && !connection.cutOff)
    assert.equal(oracle.owed.count, 0, "who is turned away is told why");
  connection.close();
}
