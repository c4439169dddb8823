import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { encodeAnswer, HEADER_WORDS, OPCODE } from "../../src/wire/header.ts";
import type { Fixture } from "./fixture.ts";

/** Of a header. */
export const VERSION_AT = 2;

/** Answers whatever comes with a header of another wire version. @returns a URL */
export async function serviceOfVersion(fixture: Fixture, version: number): Promise<string> {
  const words = new Int32Array(HEADER_WORDS);
  encodeAnswer(words, 0, OPCODE.CALL, 1, 0, 0);
  const header = Buffer.from(words.buffer);
  header[VERSION_AT] = version;
  return listening(fixture, (socket) => socket.once("data", () => socket.write(header)));
}

/** A server of the test's own. @returns a URL */
export async function listening(fixture: Fixture, serve: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    serve(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  fixture.keep({
    async [Symbol.asyncDispose]() {
      server.close();
    },
  });
  const { port } = server.address() as { port: number };
  return `didafs://127.0.0.1:${port}`;
}
