import { test } from "node:test";
import { assertClean, assertRefused, manifest } from "./sample.ts";

const ALLOWED = {
  "package.json": manifest({ koffi: "3.3.4", lmdb: "3.5.6" }),
  "src/system/clock.ts": 'import koffi from "koffi";\n\nexport const libc: unknown = koffi;\n',
  "src/meta/engines/lmdb.ts": 'import { open } from "lmdb";\n\nexport const engine: unknown = open;\n',
  "src/runtime/host.ts":
    'import { parentPort } from "node:worker_threads";\n\nexport const up: unknown = parentPort;\n',
  "src/cli/main.ts":
    'import "../system/clock.ts";\nimport "../meta/engines/lmdb.ts";\nimport "../runtime/host.ts";\n',
  "src/target/stats.ts": 'import type { Stats } from "node:fs";\n\nexport type Size = Stats["size"];\n',
};

test("layering accepts the clean sample, and each import where it belongs", () => {
  assertClean("layering");
  assertClean("layering", ALLOWED);
});

test("layering refuses, and names, each violation", () => {
  const files = {
    ...ALLOWED,
    "src/wire/up.ts": 'import { frames } from "../client/frames.ts";\n\nexport const up: unknown = frames;\n',
    "src/wire/up-type.ts": 'import type { Mode } from "../client/mode.ts";\n\nexport type Up = Mode;\n',
    "src/client/mode.ts": 'export type Mode = "r" | "rw";\n',
    "src/client/ffi.ts": 'import koffi from "koffi";\n\nexport const ffi: unknown = koffi;\n',
    "src/meta/keys.ts": 'import { open } from "lmdb";\n\nexport const keys: unknown = open;\n',
    "src/meta/choice.ts":
      'import { engine } from "./engines/lmdb.ts";\n\nexport const choice: unknown = engine;\n',
    "src/target/net.ts": 'import { connect } from "node:net";\n\nexport const dial: unknown = connect;\n',
    "src/target/thread.ts":
      'import { Worker } from "node:worker_threads";\n\nexport const made: unknown = Worker;\n',
    "src/target/spawn.ts":
      'import { spawn } from "node:child_process";\n\nexport const run: unknown = spawn;\n',
    "src/epoch/a.ts": 'import { b } from "./b.ts";\n\nexport const a: () => unknown = () => b;\n',
    "src/epoch/b.ts": 'import { a } from "./a.ts";\n\nexport const b: () => unknown = () => a;\n',
    "src/sim/time.ts": 'import { libc } from "../system/clock.ts";\n\nexport const time: unknown = libc;\n',
    "src/misc/any.ts":
      'import { HEADER_BYTES } from "../wire/header.ts";\n\nexport const any: number = HEADER_BYTES;\n',
    "src/kv/unlisted.ts": 'import * as v from "valibot";\n\nexport const unlisted: unknown = v;\n',
    "src/kv/gone.ts": 'import "./nowhere.ts";\n',
  };
  assertRefused(
    "layering",
    files,
    /src\/wire\/up\.ts → src\/client\/frames\.ts\n\s+layer-wire: src\/wire may import only std, structs/,
    /src\/wire\/up-type\.ts → src\/client\/mode\.ts\n\s+layer-wire/,
    /src\/client\/ffi\.ts → .*koffi.*\n\s+only-koffi/,
    /src\/meta\/keys\.ts → .*lmdb.*\n\s+only-lmdb/,
    /src\/meta\/choice\.ts → src\/meta\/engines\/lmdb\.ts\n\s+engines-chosen-by-roots/,
    /src\/target\/net\.ts → .*net\n\s+machine-through-ports/,
    /src\/target\/thread\.ts → .*worker_threads\n\s+machine-through-ports/,
    /src\/target\/spawn\.ts → .*child_process\n\s+machine-through-ports/,
    /src\/epoch\/[ab]\.ts → .*src\/epoch\/[ab]\.ts\n\s+no-circular/,
    /src\/sim\/time\.ts → src\/system\/clock\.ts\n\s+layer-sim/,
    /src\/misc\/any\.ts → src\/wire\/header\.ts\n\s+unknown-folder/,
    /src\/kv\/unlisted\.ts → .*valibot.*\n\s+no-unlisted-package/,
    /src\/kv\/gone\.ts → .*nowhere\.ts\n\s+unresolvable/,
  );
});

test("layering refuses to pass without having seen every file", () => {
  // What a TypeScript that dependency-cruiser does not know does to it: it cruises nothing and is content.
  const blind = 'export default { forbidden: [], options: { exclude: "[.]ts$" } };\n';
  assertRefused("layering", { ".dependency-cruiser.mjs": blind }, /3 of 3 files were not cruised/);
});
