import { Worker } from "node:worker_threads";
import type { AgentOptions } from "../client/agent.ts";
import type { FromAgent, ToAgent } from "../client/agent-messages.ts";
import { Origin } from "../client/origin.ts";
import { DidafsError } from "../std/errors.ts";
import { systemClock, systemIdler } from "../system/clock.ts";
import { close as closeDescriptor } from "../system/libc.ts";
import { createMailboxPair, type MailboxEnd, openMailbox } from "../system/mailbox.ts";
import { systemMemory } from "../system/memory.ts";
import { systemNetwork } from "../system/network.ts";
import { createWaker } from "../system/poller.ts";
import { systemTurns } from "../system/turns.ts";
import type { AgentOrder } from "./agent-thread.ts";
import { threadEntry } from "./entry.ts";

/** How long the thread may take to start; it takes a tenth of a second. */
const START_MS = 10_000;

/** How long an agent, and then the thread, may take to stop before it is ended. */
const STOP_MS = 2000;

/** An origin of this thread, and its agent on the process's agent thread. */
export interface RunningAgent {
  readonly origin: Origin;
  /** Bounded; the thread ends with the last agent. */
  stop(): Promise<void>;
}

/** The one agent thread of this process; started with the first connection, ended with the last. */
interface AgentThread {
  readonly worker: Worker;
  readonly waker: ReturnType<typeof createWaker>;
  /** Resolves when the thread is gone, with the error that ended it, if one did. */
  readonly ended: Promise<Error | undefined>;
}

let current: { readonly thread: Promise<AgentThread>; agentCount: number } | undefined;

/** @throws ERR_TOO_MANY (no descriptor left), ERR_INTERNAL (the thread did not start) */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  current ??= { thread: startThread(), agentCount: 0 };
  const shared = current;
  shared.agentCount += 1;
  const leave = (): boolean => {
    shared.agentCount -= 1;
    if (shared.agentCount > 0) return false;
    if (current === shared) current = undefined;
    return true;
  };
  let thread: AgentThread;
  try {
    thread = await shared.thread;
  } catch (error) {
    leave();
    throw error;
  }
  void thread.ended.then(() => {
    if (current === shared) current = undefined;
  });
  const { origin, ended } = attachOrigin(thread, options);
  const stop = async (): Promise<void> => {
    origin.link.post({ kind: "stop" });
    await within(STOP_MS, ended);
    if (leave()) await stopThread(thread);
  };
  return { origin, stop };
}

function attachOrigin(
  { worker, waker, ended: threadEnded }: AgentThread,
  start: AgentOptions,
): { origin: Origin; ended: Promise<void> } {
  const [here, there]: MailboxEnd[] = createMailboxPair();
  worker.postMessage({ start, mailbox: there } as AgentOrder, [(there as MailboxEnd).port]);
  const mailbox = openMailbox<ToAgent, FromAgent>(here as MailboxEnd, waker);
  const ended = Promise.withResolvers<void>();
  const origin = new Origin({
    mailbox,
    network: systemNetwork,
    memory: systemMemory,
    clock: systemClock,
    idler: systemIdler,
    turns: systemTurns,
    closeDescriptor,
    keepAlive: (wanted) => (wanted ? mailbox.ref() : mailbox.unref()),
  });
  mailbox.listen((message) => {
    origin.link.take(message);
    if (message.kind !== "stopped") return;
    mailbox.close();
    ended.resolve();
  });
  // Nothing is awaited yet: a program that ends now may end.
  mailbox.unref();
  void threadEnded.then((cause) => {
    const error = new DidafsError("ERR_CLOSED", "the agent thread has ended", { cause, applied: "unknown" });
    origin.close(error);
    origin.link.fail(error);
    mailbox.close();
    ended.resolve();
  });
  return { origin, ended: ended.promise };
}

async function startThread(): Promise<AgentThread> {
  const worker = new Worker(threadEntry("agent-thread"), { name: "didafs agent", execArgv: [] });
  const ended = new Promise<Error | undefined>((resolve) => {
    worker.once("error", resolve);
    worker.once("exit", () => resolve(undefined));
  });
  try {
    const waker = createWaker(await firstMessage(worker, ended));
    const thread = { worker, waker, ended };
    // A program that ends waits for its threads, and this one may sleep for long.
    const endWithProgram = (): void => tellToStop(thread);
    process.once("exit", endWithProgram);
    void ended.then(() => {
      process.off("exit", endWithProgram);
      waker.close();
    });
    worker.unref();
    return thread;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

/** Where the thread's poller is woken. */
function firstMessage(worker: Worker, ended: Promise<Error | undefined>): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: Error): void =>
      reject(new DidafsError("ERR_INTERNAL", `the agent thread did not start: ${why}`, { cause }));
    const cancel = systemTurns.after(START_MS, () => fail(`it said nothing for ${START_MS} ms`));
    worker.once("message", (wakeDescriptor: number) => {
      cancel();
      resolve(wakeDescriptor);
    });
    void ended.then((cause) => {
      cancel();
      fail(cause?.message ?? "it ended", cause);
    });
  });
}

function tellToStop({ worker, waker }: AgentThread): void {
  worker.postMessage({ stop: true } satisfies AgentOrder);
  waker.wake();
}

async function stopThread(thread: AgentThread): Promise<void> {
  const { worker, ended } = thread;
  tellToStop(thread);
  worker.ref();
  await within(STOP_MS, ended);
  await worker.terminate();
}

/** Waits for `promise`, but no longer. */
async function within(limitMs: number, promise: Promise<unknown>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const cancel = systemTurns.after(limitMs, timeout.resolve);
  await Promise.race([promise, timeout.promise]);
  cancel();
}
