/** A process that is one rank of a world (see world.ts): does one program after the other. Argument: its number. */
import { connect } from "../../src/index.ts";
import { programOf } from "./programs/all.ts";
import { type FromRank, type Rank, type ToRank, TRANSPORTS } from "./rank.ts";

const rank = Number(process.argv[2]);
const cluster = await connect(undefined, { transport: TRANSPORTS[rank] });
let passing = nextBarrier();

process.on("message", (message: ToRank) => {
  if (message.type === "pass") passing.resolve();
  else if (message.type === "stop") passing.reject(new Error("another rank has failed"));
  else
    run(message).then(
      (result) => send({ type: "done", result }),
      (error: Error) => send({ type: "failed", error: `rank ${rank}: ${error.stack ?? error}` }),
    );
});
process.once("disconnect", () => cluster.close());
send({ type: "ready" });

async function run({ program, path, sharing }: ToRank & { type: "run" }): Promise<unknown> {
  passing = nextBarrier();
  await using file = await cluster.open(path);
  await using window = await file.window({ rights: "rw", sharing });
  const own: Rank = { rank, size: TRANSPORTS.length, sharing, cluster, file, window, barrier };
  const result = await programOf(program)(own);
  // Nobody closes his window while another one still works: that is a case of its own.
  await barrier();
  return result;
}

async function barrier(): Promise<void> {
  send({ type: "barrier" });
  await passing.promise;
  passing = nextBarrier();
}

function nextBarrier(): PromiseWithResolvers<void> {
  const barrier = Promise.withResolvers<void>();
  // It may be rejected while this rank is busy elsewhere; it learns that when it comes.
  barrier.promise.catch(() => {});
  return barrier;
}

function send(message: FromRank): void {
  // Whoever started it may be gone.
  if (process.connected) process.send?.(message);
}
