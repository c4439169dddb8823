/** The scenarios of notice-order.test.ts are worth something: each planted bug is found by one of them. */
import { it } from "node:test";
import { assertFoundOut } from "../epoch/found-out.ts";
import { MUTANTS, mutantParts } from "./notice-mutants.ts";
import { SCENARIOS } from "./notice-worlds.ts";

for (const mutant of Object.keys(MUTANTS) as (keyof typeof MUTANTS)[]) {
  it(`finds that ${mutant}`, async (context) => {
    const parts = await mutantParts(mutant);
    const searches = Object.values(SCENARIOS).map((scenario) => () => {
      scenario(parts);
    });
    assertFoundOut(context, searches);
  });
}
