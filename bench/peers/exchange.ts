import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection on which one message at a time goes out and an answer of a known length comes back. */
export interface Exchange {
  /** Sends `message`; resolves once `answer` is full. */
  run(message: Uint8Array, answer: Uint8Array): Promise<void>;
  close(): void;
}

/**
 * Connects to a server on the loopback interface, or at a path of the unix domain. An error of the connection ends this
 * process: nothing could follow.
 */
export async function openExchange(where: number | string): Promise<Exchange> {
  const socket: Socket = connect(
    typeof where === "string" ? { path: where } : { port: where, host: "127.0.0.1", noDelay: true },
  );
  await once(socket, "connect");
  let answer: Uint8Array = new Uint8Array(0);
  let filled = 0;
  let done: () => void = () => {};
  socket.on("data", (chunk) => {
    if (filled + chunk.byteLength > answer.byteLength) socket.destroy(new Error("more than an answer came"));
    answer.set(chunk.subarray(0, answer.byteLength - filled), filled);
    filled += chunk.byteLength;
    if (filled === answer.byteLength) done();
  });
  return {
    run(message, into) {
      return new Promise((resolve) => {
        answer = into;
        filled = 0;
        done = resolve;
        socket.write(message);
      });
    },
    close: () => void socket.destroy(),
  };
}
