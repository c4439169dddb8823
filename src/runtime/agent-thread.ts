/** The thread of an origin's agent. Started by connect.ts with {@link AgentThreadData}; says where its poller is woken. */
import { parentPort, workerData } from "node:worker_threads";
import { Agent, type AgentOptions } from "../client/agent.ts";
import type { FromAgent, ToAgent } from "../client/agent-messages.ts";
import { systemClock } from "../system/clock.ts";
import { close as closeDescriptor } from "../system/libc.ts";
import { type MailboxEnd, openMailbox } from "../system/mailbox.ts";
import { systemMemory } from "../system/memory.ts";
import { systemNetwork } from "../system/network.ts";
import { createPoller } from "../system/poller.ts";
import { systemRandom } from "../system/random.ts";
import { runControlLoop } from "./loop.ts";

export interface AgentThreadData {
  readonly mailbox: MailboxEnd;
  readonly agent: AgentOptions;
}

const { mailbox, agent: options } = workerData as AgentThreadData;
const poller = createPoller();
const agent = new Agent(
  {
    mailbox: openMailbox<FromAgent, ToAgent>(mailbox),
    network: systemNetwork,
    memory: systemMemory,
    poller,
    clock: systemClock,
    random: systemRandom,
    closeDescriptor,
  },
  options,
);
parentPort?.postMessage(poller.wakeDescriptor);
await runControlLoop(agent, poller, systemClock, agent.stopping);
poller.close();
parentPort?.close();
