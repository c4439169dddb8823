import assert from "node:assert/strict";

/**
 * Each element is what is expected at its place. Names the first one that is not: assert.deepEqual lays both out against each
 * other, which for some ten thousand elements takes minutes and all memory of the machine.
 */
export function assertEach<T>(
  seen: ArrayLike<T>,
  length: number,
  expected: (i: number) => T,
  what: string,
): void {
  assert.equal(seen.length, length, what);
  for (let i = 0; i < length; i += 1) {
    if (seen[i] !== expected(i))
      assert.fail(`${what}: element ${i} is ${seen[i]}, and should be ${expected(i)}`);
  }
}
