/** One of many clients of a name store, in a process of its own: runs one operation after the other for a given time. */
import { type ClientOperation, DIRECTORY, type FromClient, type ToClient } from "./client-messages.ts";
import { type NameStore, openNameStore } from "./name-store.ts";
import { Samples } from "./samples.ts";

/** Files that a client makes at most, however quickly it can. */
const FILES_MAX = 1000;

let store: NameStore;
let client = 0;
let files: string[] = [];

async function run(operation: ClientOperation, seed: number, forMs: number): Promise<FromClient> {
  const samples = new Samples();
  const fromMs = performance.now();
  const endMs = fromMs + forMs;
  switch (operation) {
    case "create":
      for (let i = 0; i === 0 || (i < FILES_MAX && performance.now() < endMs); i++) {
        const path = `${DIRECTORY}/c${client}-${seed}-${i}`;
        await (await samples.time(() => store.create(path)))();
        files.push(path);
      }
      break;
    case "open":
      for (let i = 0; performance.now() < endMs; i++) {
        const path = files[i % files.length] as string;
        await (await samples.time(() => store.open(path)))();
      }
      break;
    case "stat":
      for (let i = 0; performance.now() < endMs; i++) {
        const path = files[i % files.length] as string;
        await samples.time(() => store.stat(path));
      }
      break;
    case "unlink":
      for (const path of files) await samples.time(() => store.unlink(path));
      files = [];
      break;
  }
  return { samplesNs: samples.toArray(), tookMs: performance.now() - fromMs };
}

async function answer(message: ToClient): Promise<FromClient> {
  if ("open" in message) {
    store = await openNameStore(message.open);
    if (message.client === 0) await store.makeDirectory(DIRECTORY);
    client = message.client;
  } else if ("run" in message) {
    return run(message.run, message.seed, message.forMs);
  } else {
    await store.close();
  }
  return { done: true };
}

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToClient) => {
  answer(message)
    .catch((error: unknown): FromClient => ({ failed: String((error as Error)?.stack ?? error) }))
    .then((said) => process.send?.(said))
    .catch(() => process.exit(1));
});
