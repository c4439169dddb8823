/** The thread of a process's agents. Started by agents.ts; says where its poller is woken, then takes {@link AgentOrder}s. */
import { type MessagePort, parentPort, receiveMessageOnPort } from "node:worker_threads";
import { Agent, type AgentOptions } from "../client/agent.ts";
import { AgentHost } from "../client/agent-host.ts";
import type { FromAgent, ToAgent } from "../client/agent-messages.ts";
import { systemClock } from "../system/clock.ts";
import { close as closeDescriptor } from "../system/libc.ts";
import { type MailboxEnd, openMailbox } from "../system/mailbox.ts";
import { systemMemory } from "../system/memory.ts";
import { systemNetwork } from "../system/network.ts";
import { createPoller } from "../system/poller.ts";
import { systemRandom } from "../system/random.ts";
import { runControlLoop } from "./loop.ts";

export type AgentOrder =
  | { readonly start: AgentOptions; readonly mailbox: MailboxEnd }
  | { readonly stop: true };

const poller = createPoller();
const host = new AgentHost(poller);
const stop = new AbortController();
const orders = parentPort as MessagePort;

/** Read here and not by an event: whoever posts an order wakes the poller, and the host's work takes the wake away. */
function takeOrders(): number {
  let count = 0;
  for (;;) {
    const received = receiveMessageOnPort(orders) as { message: AgentOrder } | undefined;
    if (received === undefined) return count;
    count += 1;
    if ("stop" in received.message) stop.abort();
    else host.add(createAgent(received.message));
  }
}

function createAgent({ start, mailbox }: Extract<AgentOrder, { start: AgentOptions }>): Agent {
  const ports = {
    mailbox: openMailbox<FromAgent, ToAgent>(mailbox),
    network: systemNetwork,
    memory: systemMemory,
    poller,
    clock: systemClock,
    random: systemRandom,
    newId: host.newId,
    closeDescriptor,
  };
  return new Agent(ports, start);
}

orders.postMessage(poller.wakeDescriptor);
const loop = {
  busy: () => host.busy(),
  dueMs: () => host.dueMs(),
  doWork(nowMs: number): number {
    let work = 0;
    for (;;) {
      work += host.doWork(nowMs);
      const orders = takeOrders();
      if (orders === 0) return work;
      // The first mail of an agent comes with the order to start it, and one wake may stand for both.
      work += orders;
    }
  },
};
await runControlLoop(loop, poller, systemClock, stop.signal);
poller.close();
