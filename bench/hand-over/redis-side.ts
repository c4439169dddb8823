import { openExchange } from "../peers/exchange.ts";
import { respCommand } from "../peers/resp.ts";
import { parametersOf, type Side, type SideSetup, sideBlocks } from "./side.ts";

/** Entries are numbered by us, `1-` and ten digits, so that all answers are of a known length. */
const FIRST_NUMBER = 1_000_000_000;
const NUMBER_DIGITS = 10;
const ID_BYTES = NUMBER_DIGITS + 2;
/** A stream keeps about so many: nobody reads back. */
const ENTRIES_KEPT = "1000";

function idOf(number: number): string {
  return `1-${number}`;
}

/** XADD to a stream from which the other side reads by a blocking XREAD, on a connection of its own. */
export async function openRedisSide(setup: SideSetup): Promise<Side> {
  const { where, path, transport } = parametersOf(setup);
  const server = transport === "tcp" ? Number(where) : where;
  const [adding, reading] = [await openExchange(server), await openExchange(server)];
  const { blockBytes, firstAddress } = setup;
  const names = [0, 1].map((side) => `${path}-${blockBytes}-${side}`);
  const [mine, theirs] = (firstAddress === undefined ? names : names.toReversed()) as [string, string];
  const blocks = sideBlocks(setup);
  const add = (block: Uint8Array): Buffer =>
    respCommand("XADD", mine, "MAXLEN", "~", ENTRIES_KEPT, idOf(FIRST_NUMBER), "v", block);
  const adds = blocks.mine.map(add);
  const idAt = (adds[0] as Buffer).indexOf(idOf(FIRST_NUMBER)) + ID_BYTES - NUMBER_DIGITS;
  const added = Buffer.alloc(`$${ID_BYTES}\r\n${idOf(FIRST_NUMBER)}\r\n`.length);
  const read = respCommand("XREAD", "COUNT", "1", "BLOCK", "0", "STREAMS", theirs, idOf(FIRST_NUMBER));
  const readAt = read.byteLength - 2 - NUMBER_DIGITS;
  const answer = entryAnswer(theirs, blockBytes);
  const valueAt = answer.byteLength - 2 - blockBytes;
  let [sent, received] = [FIRST_NUMBER, FIRST_NUMBER];
  return {
    address: where,
    send(block) {
      const command = adds[block] as Buffer;
      sent += 1;
      command.write(`${sent}`, idAt, "latin1");
      command.set(blocks.mine[block] as Uint8Array, command.byteLength - 2 - blockBytes);
      return adding.run(command, added);
    },
    async receive() {
      read.write(`${received}`, readAt, "latin1");
      await reading.run(read, answer);
      const block = (received - FIRST_NUMBER) % blocks.theirs.length;
      received += 1;
      blocks.theirs[block]?.set(answer.subarray(valueAt, valueAt + blockBytes));
      return block;
    },
    received: async () => blocks.seen,
    async close() {
      adding.close();
      reading.close();
    },
  };
}

/** As long as the answer to an XREAD with one entry of one value. */
function entryAnswer(key: string, valueBytes: number): Buffer {
  const text = (part: string | number): string => `$${`${part}`.length}\r\n${part}\r\n`;
  const head = `*1\r\n*2\r\n${text(key)}*1\r\n*2\r\n${text(idOf(FIRST_NUMBER))}*2\r\n${text("v")}$${valueBytes}\r\n`;
  return Buffer.alloc(head.length + valueBytes + 2);
}
