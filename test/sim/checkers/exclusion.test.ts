import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkExclusion, type Section } from "../../../src/sim/checkers/exclusion.ts";

const section = (read: number, second: number, other: Partial<Section> = {}): Section => ({
  client: "a",
  losses: 0,
  read,
  second,
  mode: "exclusive",
  ...other,
});

describe("exclusion under locks", () => {
  it("holds where each owner reads what another one wrote", () => {
    assert.equal(checkExclusion([section(0, 1), section(1, 2), section(2, 3, { client: "b" })]), undefined);
  });

  it("is broken where two owners read the same value", () => {
    const fault = checkExclusion([section(0, 1), section(1, 2), section(1, 3, { client: "b" })]);
    assert.match(fault ?? "", /a and b both read 1/);
  });

  it("knows that a loss of power brings back what was read before", () => {
    assert.equal(checkExclusion([section(0, 1), section(0, 2, { losses: 1 })]), undefined);
    assert.match(
      checkExclusion([section(0, 1, { losses: 1 }), section(0, 2, { losses: 1 })]) ?? "",
      /both read 0/,
    );
  });

  it("lets many share, and nobody change what they read", () => {
    const shared = (read: number, second: number): Section => section(read, second, { mode: "shared" });
    assert.equal(checkExclusion([shared(4, 4), shared(4, 4), section(4, 5), shared(5, 5)]), undefined);
    assert.match(checkExclusion([shared(4, 5)]) ?? "", /read 4, and then 5/);
  });
});
