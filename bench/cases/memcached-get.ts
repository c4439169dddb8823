/** Values of memcached, many asked for by one `get`, by a client that does nothing else: commands are made beforehand. */
import { blockCase } from "../blocks/block-case.ts";
import { patternBytes } from "../blocks/pattern.ts";
import { readBySteps, slotsOf } from "../blocks/read-back.ts";
import type { Walk } from "../blocks/walk.ts";
import { openExchange } from "../peers/exchange.ts";

const STORED = "STORED\r\n";
const END = "END\r\n";
const LINE_END = "\r\n";

export const open = blockCase(async ({ pattern, parameters }) => {
  const exchange = await openExchange(parameters.port as number);
  const { blockBytes } = parameters as unknown as Walk;
  const values = patternBytes(pattern);
  for (let at = 0; at < values.byteLength; at += blockBytes) {
    const head = Buffer.from(`set ${key(at / blockBytes)} 0 0 ${blockBytes}\r\n`);
    const command = Buffer.concat([head, values.subarray(at, at + blockBytes), Buffer.from(LINE_END)]);
    await exchange.run(command, new Uint8Array(STORED.length));
  }
  return {
    async close() {
      exchange.close();
    },
    along(walk) {
      const { blocks, depth } = walk;
      const { halves, bytes } = slotsOf(walk);
      const commands = Array.from({ length: blocks / depth }, (_, group) => {
        const keys = Array.from({ length: depth }, (_, i) => key(group * depth + i));
        return Buffer.from(`get ${keys.join(" ")}\r\n`);
      });
      const headBytes = `VALUE ${key(0)} 0 ${blockBytes}\r\n`.length;
      const valueBytes = headBytes + blockBytes + LINE_END.length;
      const answer = new Uint8Array(depth * valueBytes + END.length);
      const step = async (block: number): Promise<void> => {
        await exchange.run(commands[block / depth] as Buffer, answer);
        for (const [slot, into] of bytes.entries()) {
          const at = slot * valueBytes + headBytes;
          into.set(answer.subarray(at, at + blockBytes));
        }
      };
      return {
        step,
        groupOps: depth,
        seen: () => halves.reduce((sum, half) => (sum + (half[0] as number)) | 0, 0),
        bytes: () => readBySteps({ step, groupOps: depth }, walk, bytes),
      };
    },
  };
});

/** All are of one length, so that answers are. */
function key(block: number): string {
  return String(block).padStart(8, "0");
}
