/** All attackers, in a process of their own. */
import { LeanSessions } from "../crowd/lean-sessions.ts";
import { answerOrders } from "../harness/helper-process.ts";
import { type AttackParts, beginAttack, type Standing, TICK_MS } from "./attacks.ts";
import type { AttackerAnswer, AttackerOrder } from "./hostile-messages.ts";

let parts: AttackParts;
let standing: Standing | undefined;

// All the time, so that its own wake-ups are there beside nobody, too.
setInterval(() => standing?.act(), TICK_MS);

answerOrders<AttackerOrder, AttackerAnswer>(async (order) => {
  if ("open" in order) {
    const sessions = new LeanSessions(order.open, order.path, "rw");
    parts = { address: await sessions.dataAddress(), sessions, crowds: order.crowds };
    return 0;
  }
  if ("begin" in order) {
    standing = await beginAttack(order.begin, order.part, parts);
    return standing.held;
  }
  standing?.end();
  standing = undefined;
  await parts.sessions.closeAll();
  return 0;
});
