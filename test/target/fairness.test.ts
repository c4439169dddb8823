import assert from "node:assert/strict";
import { test } from "node:test";
import { HEADER_BYTES, OPCODE } from "../../src/wire/header.ts";
import { type CommandFields, command, type RawClient, READ_WRITE, WorkerFixture } from "./worker-fixture.ts";

const MIB = 1 << 20;
const BYTES = 4 * MIB;
/** What one turn of one connection may take and give, with the commands' own bytes (data-plane.ts). */
const IN_MAX = (256 + 32) << 10;
const OUT_MAX = HEADER_BYTES + MIB / 2;
/** Answers that find room, once before and once after what is received (worker-memory.ts). */
const COMMANDS_MAX = 2 * 256;
const ROUNDS = 100;

/** A network with so much room that only the worker's own bounds hold anybody up. */
function serving() {
  const fixture = new WorkerFixture({ bufferBytes: 64 * MIB });
  const token = fixture.openSession(1);
  const region = { inode: 7, byteLength: BYTES, ...fixture.createRegion(7, BYTES) };
  assert.equal(fixture.bind(1, 1, region, { at: 0, byteLength: BYTES }, READ_WRITE), 0);
  return { fixture, token };
}

/** Sends the same command without end, and takes whatever comes. */
class Flood {
  readonly client: RawClient;
  readonly #bytes: Uint8Array;
  readonly #sink = { address: 0, u8: new Uint8Array(MIB) };
  #sent = 0;
  received = 0;

  constructor(client: RawClient, fields: CommandFields) {
    this.client = client;
    this.#bytes = command(fields);
  }

  turn(): void {
    const { stream } = this.client;
    const memory = { address: 0, u8: this.#bytes };
    for (let i = 0; i < 2048; i += 1) {
      const taken = stream.send(memory, this.#sent, this.#bytes.length - this.#sent);
      if (taken <= 0) break;
      this.#sent = (this.#sent + taken) % this.#bytes.length;
    }
    for (;;) {
      const count = stream.recv(this.#sink, 0, MIB);
      if (count <= 0) return;
      this.received += count;
    }
  }
}

const FLOODS: Record<string, CommandFields> = {
  "small commands": { opcode: OPCODE.GET, handle: 1, length: 8 },
  "refused commands": { opcode: OPCODE.GET, handle: 9, length: 8 },
  "gets of 1 MiB": { opcode: OPCODE.GET, handle: 1, length: MIB },
  "puts of 1 MiB": { opcode: OPCODE.PUT, handle: 1, length: MIB, payload: new Uint8Array(MIB) },
};

for (const [name, fields] of Object.entries(FLOODS)) {
  test(`a flood of ${name} leaves everybody else his turn`, () => {
    const { fixture, token } = serving();
    const floods = [0, 1, 2].map(() => new Flood(fixture.enter(1, token), fields));
    const light = fixture.enter(1, token);
    const get = command({ opcode: OPCODE.GET, handle: 1, length: 8 });
    let answered = 0;
    light.send(get);
    const start = floods.map(({ received }) => received);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const flood of floods) flood.turn();
      const before = ["operations", "tcpBytesIn", "tcpBytesOut"].map((counter) => fixture.count(counter));
      fixture.step();
      const after = ["operations", "tcpBytesIn", "tcpBytesOut"].map((counter) => fixture.count(counter));
      const [commands, bytesIn, bytesOut] = after.map((count, i) => count - (before[i] as number));
      assert.ok((commands as number) <= 3 * COMMANDS_MAX + 1, `${commands} commands in a round`);
      assert.ok((bytesIn as number) <= 3 * IN_MAX + 64, `${bytesIn} bytes in a round`);
      assert.ok((bytesOut as number) <= 3 * OUT_MAX + 64, `${bytesOut} bytes in a round`);
      light.receive();
      for (let answer = light.tryAnswer(); answer !== undefined; answer = light.tryAnswer()) {
        assert.equal(answer.status, 0);
        answered += 1;
        light.send(get);
      }
    }
    assert.equal(answered, ROUNDS, "one command at a time is one in each round");
    const shares = floods.map(({ received }, i) => received - (start[i] as number));
    const [least, most] = [Math.min(...shares), Math.max(...shares)];
    assert.ok(least > 0 && most <= least * 1.1, `floods of the same kind get the same: ${shares}`);
  });
}

test("whoever was quiet for long is heard at once while others are busy", () => {
  const { fixture, token } = serving();
  const quiet = fixture.enter(1, token);
  fixture.step(3000);
  const flood = new Flood(fixture.enter(1, token), { opcode: OPCODE.GET, handle: 1, length: MIB });
  for (let i = 0; i < 50; i += 1) {
    flood.turn();
    fixture.step();
  }
  quiet.send(command({ opcode: OPCODE.GET, handle: 1, length: 8 }));
  for (let i = 0; i < 2; i += 1) {
    flood.turn();
    fixture.step();
  }
  quiet.receive();
  assert.equal(quiet.tryAnswer()?.status, 0);
});
