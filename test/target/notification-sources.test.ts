import assert from "node:assert/strict";
import { test } from "node:test";
import { NotificationSources } from "../../src/target/notification-sources.ts";

const keyOf = (number: number): string => number.toString(16).padStart(64, "0");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("a key keeps its number as long as anybody needs that, and is forgotten when many have come since", () => {
  const sources = new NotificationSources();
  const kept = sources.numberOf(keyOf(1), () => new Set());
  const looks: number[] = [];
  for (let i = 2; i < 10_000; i += 1) {
    sources.numberOf(keyOf(i), () => {
      looks.push(i);
      return new Set([kept]);
    });
  }
  assert.equal(hex(sources.keyOf(kept)), keyOf(1));
  assert.equal(
    sources.numberOf(keyOf(1), () => new Set()),
    kept,
  );
  assert.ok(looks.length >= 8 && looks.length <= 10, `looked ${looks.length} times`);
  assert.equal(sources.keyOf(kept + 1), undefined, "nothing is kept of the second one");
  assert.notEqual(
    sources.numberOf(keyOf(2), () => new Set()),
    kept + 1,
    "no number comes back",
  );
});

test("where all are needed it is looked for them ever less often", () => {
  const sources = new NotificationSources();
  const all = new Set<number>();
  let looks = 0;
  for (let i = 0; i < 20_000; i += 1) {
    all.add(
      sources.numberOf(keyOf(i), () => {
        looks += 1;
        return all;
      }),
    );
  }
  assert.equal(all.size, 20_000);
  assert.ok(looks >= 4 && looks <= 6, `${looks} looks`);
});
