import { parentPort, workerData } from "node:worker_threads";
import { type MailboxEnd, openMailbox, type SystemMailbox } from "../../src/system/mailbox.ts";
import { createPoller, createWaker } from "../../src/system/poller.ts";

/** Doubles every number it gets. Sleeps in its poller for so long that a lost wake would fail the test. */
const { end, wakeDescriptor, wakeOf } = workerData as {
  end: MailboxEnd;
  wakeDescriptor: number;
  wakeOf: Int32Array;
};
const poller = createPoller();
const waker = createWaker(wakeDescriptor);
const mailbox: SystemMailbox<{ number: number }, { number: number }> = openMailbox(end, waker);
Atomics.store(wakeOf, 0, poller.wakeDescriptor);
parentPort?.postMessage("ready");
const endMs = performance.now() + 30_000;
for (let answered = 0; answered < 500 && performance.now() < endMs; ) {
  const message = mailbox.poll();
  if (message === undefined) {
    poller.wait(30_000);
    continue;
  }
  mailbox.post({ number: message.number * 2 });
  answered += 1;
}
waker.close();
poller.close();
