/** The thread of a process's agents. Started by agents.ts; says where its poller is woken, then takes {@link AgentOrder}s. */
import { parentPort } from "node:worker_threads";
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
parentPort?.on("message", (order: AgentOrder) => {
  if ("stop" in order) {
    stop.abort();
    return;
  }
  const ports = {
    mailbox: openMailbox<FromAgent, ToAgent>(order.mailbox),
    network: systemNetwork,
    memory: systemMemory,
    poller,
    clock: systemClock,
    random: systemRandom,
    newId: host.newId,
    closeDescriptor,
  };
  host.add(new Agent(ports, order.start));
});
parentPort?.postMessage(poller.wakeDescriptor);
await runControlLoop(host, poller, systemClock, stop.signal);
poller.close();
parentPort?.close();
