import assert from "node:assert/strict";

interface Asking {
  answer: string | undefined;
}

/** What a core says that an event led to. */
interface Said<A> {
  readonly count: number;
  readonly waiters: readonly (A | undefined)[];
}

/**
 * Holds what an event led to against what a model expects: each is answered once, and rightly, and nobody is left out.
 * @param said the words of the answer at that place @param seen is told of each, in their order
 */
export function takeAnswers<A extends Asking>(
  { count, waiters }: Said<A>,
  expected: Map<A, string>,
  said: (place: number) => string,
  seen: (asker: A, answer: string, place: number) => void,
): void {
  for (let place = 0; place < count; place += 1) {
    const asker = waiters[place] as A;
    assert.ok(asker !== undefined && asker.answer === undefined, "whoever asks is answered once");
    const answer = said(place);
    asker.answer = answer;
    assert.equal(answer, expected.get(asker) ?? "nothing", "the answer is right");
    expected.delete(asker);
    seen(asker, answer, place);
  }
  for (const answer of expected.values()) assert.fail(`nobody answers, where it must be ${answer}`);
}
