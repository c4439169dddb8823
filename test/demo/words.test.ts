import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { forEachWord } from "../../demo/words/tokenizer.ts";
import { wordKey } from "../../demo/words/word-key.ts";

const TEXT = readFileSync(new URL("../../LICENSE", import.meta.url));

function words(bytes: Buffer, from: number, to: number): string[] {
  const found: string[] = [];
  const copy = Buffer.from(bytes);
  forEachWord(copy, from, to, (begin, end) => found.push(copy.toString("latin1", begin, end)));
  return found;
}

test("words are lower-cased runs of letters, digits, underscores and what is beyond ASCII", () => {
  const text = Buffer.from(' "Größe":42.5, snake_Case/İ\n');
  const found = words(text, 0, text.byteLength).map((word) => Buffer.from(word, "latin1").toString());
  assert.deepEqual(found, ["größe", "42", "5", "snake_case", "İ"]);
});

test("however a text is cut, each word is found once", () => {
  const whole = words(TEXT, 0, TEXT.byteLength);
  assert.ok(whole.length > 1000);
  for (const size of [1, 7, 100, 4096]) {
    const cut: string[] = [];
    for (let at = 0; at < TEXT.byteLength; at += size)
      cut.push(...words(TEXT, at, Math.min(at + size, TEXT.byteLength)));
    assert.deepEqual(cut, whole, `pieces of ${size} bytes`);
  }
});

test("keys of different words differ, also where words are alike", () => {
  const alike = Array.from({ length: 200_000 }, (_, index) => Buffer.from(`0.${index}`));
  alike.push(...new Set(words(TEXT, 0, TEXT.byteLength)).values().map((word) => Buffer.from(word, "latin1")));
  const keys = new Set(alike.map((word) => wordKey(word, 0, word.byteLength)));
  assert.equal(keys.size, alike.length);
  assert.ok(!keys.has(0n));
});
