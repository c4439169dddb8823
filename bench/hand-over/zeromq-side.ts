import { parametersOf, type Side, type SideSetup, sideBlocks } from "./side.ts";

/** What is used of the library, which is nobody's dependency. */
interface Pair {
  linger: number;
  readonly lastEndpoint: string | null;
  bind(address: string): Promise<void>;
  connect(address: string): void;
  send(message: Uint8Array): Promise<void>;
  receive(): Promise<readonly Uint8Array[]>;
  close(): void;
}

/** A PAIR socket of ZeroMQ's own library for Node on each side; `ipc` on the same host, else `tcp`. */
export async function openZeromqSide(setup: SideSetup): Promise<Side> {
  const { where, transport } = parametersOf(setup);
  const { Pair } = (await import(where)) as { readonly Pair: new () => Pair };
  const socket = new Pair();
  // What was not sent when it is closed nobody wants.
  socket.linger = 0;
  if (setup.firstAddress !== undefined) socket.connect(setup.firstAddress);
  else if (transport === "tcp") await socket.bind("tcp://127.0.0.1:*");
  // A name of the abstract kind: no file, and never too long.
  else await socket.bind(`ipc://@didafs-bench-${process.pid}-${setup.blockBytes}`);
  const { mine, theirs, seen } = sideBlocks(setup);
  let next = 0;
  return {
    address: socket.lastEndpoint ?? "",
    send: (block) => socket.send(mine[block] as Uint8Array),
    async receive() {
      const [message] = await socket.receive();
      const block = next;
      next = (next + 1) % theirs.length;
      theirs[block]?.set(message as Uint8Array);
      return block;
    },
    received: async () => seen,
    close: async () => socket.close(),
  };
}
