import assert from "node:assert/strict";
import type { FromWorker, ToWorker } from "../../src/target/messages.ts";
import type { TargetFixture } from "./target-fixture.ts";

type Order<T extends ToWorker["type"]> = ToWorker & { readonly type: T };

/** Takes the place of the workers of a fixture that is `scripted`: keeps what they are ordered, and says what a test says. */
export class ScriptedWorkers {
  readonly #fixture: TargetFixture;
  /** By worker, in the order of coming. */
  readonly #orders: ToWorker[][];

  constructor(fixture: TargetFixture) {
    this.#fixture = fixture;
    this.#orders = fixture.mailboxes.map(() => []);
    fixture.onStep = () => {
      for (const worker of fixture.mailboxes.keys()) this.#take(worker);
    };
  }

  #take(worker: number): void {
    const mailbox = this.#fixture.mailboxes[worker];
    for (let order = mailbox?.poll(); order !== undefined; order = mailbox?.poll()) {
      this.#orders[worker]?.push(order);
      if (order.type === "unmap")
        this.say(worker, { type: "unmapped", inode: order.inode, index: order.index });
      if (order.type === "stop") this.say(worker, { type: "stopped" });
      if (order.type === "session-close") {
        this.say(worker, { type: "session-closed", session: order.session, locks: 0 });
      }
    }
  }

  say(worker: number, message: FromWorker): void {
    this.#fixture.mailboxes[worker]?.post(message);
  }

  types(worker: number): string[] {
    return (this.#orders[worker] ?? []).map(({ type }) => type);
  }

  /** All orders of that type that a worker was given. */
  orders<T extends ToWorker["type"]>(worker: number, type: T): Order<T>[] {
    return (this.#orders[worker] ?? []).filter((order): order is Order<T> => order.type === type);
  }

  /** The only order of that type, which is there or comes. */
  async order<T extends ToWorker["type"]>(worker: number, type: T): Promise<Order<T>> {
    for (let round = 0; this.orders(worker, type).length === 0; round += 1) {
      assert.ok(round < 100, `worker ${worker} is given ${type}`);
      await this.#fixture.step();
    }
    const [order, ...more] = this.orders(worker, type);
    assert.equal(more.length, 0, `worker ${worker} is given ${type} once`);
    return order as Order<T>;
  }
}
