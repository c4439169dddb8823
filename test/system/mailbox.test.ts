import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { createMailboxPair, openMailbox, type SystemMailbox } from "../../src/system/mailbox.ts";
import { createPoller, createWaker } from "../../src/system/poller.ts";
import { readyWorker } from "./support.ts";

interface Numbered {
  readonly number: number;
}

test("messages arrive in order, both ways, and nothing waits", () => {
  const [left, right] = createMailboxPair();
  const here: SystemMailbox<string, number> = openMailbox(left);
  const there: SystemMailbox<number, string> = openMailbox(right);
  assert.equal(here.poll(), undefined);
  here.post("a");
  here.post("b");
  there.post(1);
  assert.equal(there.poll(), "a");
  assert.equal(there.poll(), "b");
  assert.equal(there.poll(), undefined);
  assert.equal(here.poll(), 1);
  here.close();
  there.close();
});

test("what was posted before a mailbox closed still arrives", () => {
  const [left, right] = createMailboxPair();
  const here: SystemMailbox<string, never> = openMailbox(left);
  const there: SystemMailbox<never, string> = openMailbox(right);
  here.post("last words");
  here.close();
  here.post("into the void");
  assert.equal(there.poll(), "last words");
  assert.equal(there.poll(), undefined);
  there.close();
});

test("a worker that sleeps in its poller is woken by each post; answers wake us", async (t) => {
  const poller = createPoller();
  const [left, right] = createMailboxPair();
  const wakeOf = new Int32Array(new SharedArrayBuffer(4));
  await readyWorker(t, "mailbox-worker.ts", { end: right, wakeDescriptor: poller.wakeDescriptor, wakeOf }, [
    right.port,
  ]);
  const waker = createWaker(Atomics.load(wakeOf, 0));
  t.after(() => {
    waker.close();
    poller.close();
  });
  const mailbox: SystemMailbox<Numbered, Numbered> = openMailbox(left, waker);
  const endMs = performance.now() + 20_000;
  for (let number = 0; number < 500; number += 1) {
    mailbox.post({ number });
    let answer = mailbox.poll();
    while (answer === undefined) {
      assert.ok(performance.now() < endMs, `no answer to ${number}`);
      poller.wait(1000);
      answer = mailbox.poll();
    }
    assert.equal(answer.number, number * 2);
  }
  mailbox.close();
});

test("a thread with an event loop listens, and may poll beside it", async () => {
  const [left, right] = createMailboxPair();
  const here: SystemMailbox<number, never> = openMailbox(left);
  const there: SystemMailbox<never, number> = openMailbox(right);
  const heard: number[] = [];
  there.listen((message) => heard.push(message));
  here.post(1);
  here.post(2);
  assert.equal(there.poll(), 1);
  here.post(3);
  for (let turns = 0; heard.length < 2 && turns < 1000; turns += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(heard, [2, 3]);
  assert.equal(there.poll(), undefined);
  here.post(4);
  assert.equal(there.poll(), 4);
  here.close();
});

test("a listener keeps the event loop alive only while it is referenced", async (t) => {
  const worker = new Worker(new URL("./listening-worker.ts", import.meta.url));
  t.after(async () => void (await worker.terminate()));
  const [code] = await once(worker, "exit", { signal: AbortSignal.timeout(10_000) });
  assert.equal(code, 0);
});
