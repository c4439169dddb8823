import assert from "node:assert/strict";
import { test } from "node:test";
import { type HomeWait, mayBeInCircles, nextVictim } from "../../src/meta/lock-circles.ts";

/** "a waits at 1 for b": origin a, at home 1, behind what origin b holds; others behind a comma. */
function wait(text: string, waitedMs = 1000): HomeWait {
  const [, origin = "", target = "", holders = ""] = /^(\w+) waits at (\w+) for ([\w,]+)$/.exec(text) ?? [];
  const request = { origin, inode: 1, index: 0, at: 0, length: 1, exclusive: true };
  return {
    target,
    worker: 0,
    session: 1,
    id: 1,
    request,
    waitedMs,
    lastedMs: waitedMs,
    holders: holders.split(","),
  };
}

function circle(...waits: HomeWait[]): string[] | undefined {
  return nextVictim(waits)?.map(({ request, target }) => `${request.origin}@${target}`);
}

test("a circle over two homes is found, and the youngest wait of it is to end", () => {
  const [one, other] = [wait("a waits at 1 for b", 900), wait("b waits at 2 for a", 500)];
  assert.deepEqual(circle(one, other), ["b@2", "a@1"]);
  assert.deepEqual(circle(other, one), ["b@2", "a@1"]);
});

test("one over three homes, among others who only wait", () => {
  const waits = [
    wait("x waits at 1 for a"),
    wait("a waits at 1 for y,b", 700),
    wait("b waits at 2 for c", 600),
    wait("c waits at 3 for a", 800),
    wait("y waits at 3 for z"),
  ];
  assert.deepEqual(circle(...waits), ["b@2", "c@3", "a@1"]);
});

test("chains are none, nor is what goes round within one home, which ends there", () => {
  assert.equal(circle(), undefined);
  assert.equal(circle(wait("a waits at 1 for b"), wait("b waits at 2 for c")), undefined);
  assert.equal(circle(wait("a waits at 1 for b"), wait("b waits at 1 for a")), undefined);
});

test("of a crowd nothing is left to be looked at", () => {
  const crowd = Array.from({ length: 100 }, (_, i) => wait(`w${i} waits at 1 for holder${i % 3}`));
  const chain = [wait("a waits at 1 for b"), wait("b waits at 2 for c"), wait("c waits at 3 for d")];
  assert.deepEqual(mayBeInCircles([...crowd, ...chain]), []);
  const circle = [wait("a waits at 1 for b"), wait("b waits at 2 for a")];
  assert.deepEqual(mayBeInCircles([...crowd, ...circle, wait("z waits at 3 for a")]), circle);
});

test("two circles that share nothing are found one after the other", () => {
  const waits = [
    wait("a waits at 1 for b", 1),
    wait("b waits at 2 for a", 2),
    wait("c waits at 1 for d", 3),
    wait("d waits at 2 for c", 4),
  ];
  const victims: string[] = [];
  for (let found = nextVictim(waits); found !== undefined; found = nextVictim(waits)) {
    victims.push(found[0].request.origin);
    waits.splice(waits.indexOf(found[0]), 1);
  }
  assert.deepEqual(victims, ["a", "c"]);
});
