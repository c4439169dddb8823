import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
}

const packages: Record<string, Entry> = JSON.parse(read("package-lock.json")).packages;

test("the lock file names no registry, and a version for every package", () => {
  for (const [path, entry] of Object.entries(packages)) {
    assert.equal(entry.resolved, undefined, path);
    assert.ok(entry.version, path);
  }
});

test("the lock file holds the optional packages of other platforms, without which npm ci refuses it", () => {
  for (const [path, entry] of Object.entries(packages)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      const held = packages[`${path}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
      assert.ok(held, `${name} is missing: run scripts/complete-lock.mjs`);
    }
  }
});

test("dependencies are pinned to exact versions", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json"));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(String(version), /^\d+\.\d+\.\d+$/, name);
  }
});
