import { test } from "node:test";
import { assertClean, assertRefused, manifest } from "./sample.ts";

const ENTRIES = {
  "src/target/data-plane-thread.ts": "export const started = true;\n",
  "test/helper.test.ts":
    'import { HEADER_BYTES } from "../src/wire/header.ts";\n\nexport const bytes = HEADER_BYTES;\n',
};

test("dead-code accepts the clean sample, and the entry points of threads and tests", () => {
  assertClean("dead-code");
  assertClean("dead-code", ENTRIES);
});

test("dead-code refuses an export, a file and a dependency that nobody uses", () => {
  const files = {
    "src/wire/header.ts": "export const HEADER_BYTES = 64;\nexport const FOOTER_BYTES = 8;\n",
    "src/std/forgotten.ts": "export const forgotten = 1;\n",
    "package.json": manifest({ valibot: "1.5.0" }),
  };
  assertRefused(
    "dead-code",
    files,
    /FOOTER_BYTES\s+src\/wire\/header\.ts:2/,
    /src\/std\/forgotten\.ts/,
    /valibot\s+package\.json/,
  );
});
