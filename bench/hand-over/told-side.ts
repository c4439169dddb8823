import { once } from "node:events";
import { type AddressInfo, connect, createServer, type ListenOptions, type Socket } from "node:net";
import { openSharedFiles } from "./shared-files.ts";
import { parametersOf, type Side, type SideSetup, sideBlocks } from "./side.ts";

/** A block's number. */
const MESSAGE_BYTES = 8;

/**
 * Without notified access: a put, a flush behind it, and once that is answered a message on a plain socket between the two
 * processes, by Node's `net`: of the unix domain on the same host, else of TCP.
 */
export async function openToldSide(setup: SideSetup): Promise<Side> {
  const { blockBytes, firstAddress } = setup;
  const { mine, theirBytes, close } = await openSharedFiles(setup);
  const blocks = sideBlocks(setup);
  const messages = blocks.mine.map((_, block) => {
    const message = Buffer.alloc(MESSAGE_BYTES);
    message.writeUInt32LE(block);
    return message;
  });
  const { address, socket, end } = await (firstAddress === undefined ? listen(setup) : join(firstAddress));
  const told = socket.then(messagesOf);
  return {
    address,
    async send(block) {
      const put = mine.put(block * blockBytes, blocks.mine[block] as Uint8Array);
      await mine.flush();
      await put;
      (await socket).write(messages[block] as Buffer);
    },
    receive: async () => (await told)(),
    received: theirBytes,
    async close() {
      end();
      await close();
    },
  };
}

interface Meeting {
  readonly address: string;
  /** To the other side. */
  readonly socket: Promise<Socket>;
  readonly end: () => void;
}

async function listen(setup: SideSetup): Promise<Meeting> {
  // An abstract name of the unix domain: no file, and never too long.
  const name = `\0didafs-bench-${process.pid}-${setup.blockBytes}`;
  const where: ListenOptions =
    parametersOf(setup).transport === "direct" ? { path: name } : { port: 0, host: "127.0.0.1" };
  const server = createServer({ noDelay: true }).listen(where);
  const socket = once(server, "connection").then(([accepted]) => {
    server.close();
    return accepted as Socket;
  });
  // Nobody waits for it yet, and a failure to listen is told below.
  socket.catch(() => {});
  await once(server, "listening");
  const at = server.address() as AddressInfo | string;
  const end = (): void => {
    server.close();
    socket.then((opened) => opened.destroy()).catch(() => {});
  };
  return { address: typeof at === "string" ? name : `${at.port}`, socket, end };
}

async function join(address: string): Promise<Meeting> {
  const socket = connect(
    address.startsWith("\0")
      ? { path: address }
      : { port: Number(address), host: "127.0.0.1", noDelay: true },
  );
  await once(socket, "connect");
  return { address, socket: Promise.resolve(socket), end: () => socket.destroy() };
}

/** Reads block numbers; resolves with the next one. An error of the connection ends this process: nothing could follow. */
function messagesOf(socket: Socket): () => Promise<number> {
  const arrived: number[] = [];
  let wanted: ((block: number) => void) | undefined;
  socket.on("data", (chunk) => {
    if (chunk.byteLength % MESSAGE_BYTES !== 0) socket.destroy(new Error("a part of a message came"));
    for (let at = 0; at < chunk.byteLength; at += MESSAGE_BYTES) arrived.push(chunk.readUInt32LE(at));
    const first = wanted === undefined ? undefined : arrived.shift();
    if (first !== undefined) wanted?.(first);
    if (first !== undefined) wanted = undefined;
  });
  return () => {
    const first = arrived.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise((resolve) => {
      wanted = resolve;
    });
  };
}
