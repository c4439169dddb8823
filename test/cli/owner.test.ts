import assert from "node:assert/strict";
import { test } from "node:test";
import { groupName, parseOwner, userName } from "../../src/cli/owner.ts";

test("owners by number and by name, with a group, without one, and with the user's own", () => {
  assert.deepEqual(parseOwner("12345"), { uid: 12345 });
  assert.deepEqual(parseOwner("12345:678"), { uid: 12345, gid: 678 });
  assert.deepEqual(parseOwner(":678"), { gid: 678 });
  assert.deepEqual(parseOwner("root:root"), { uid: 0, gid: 0 });
  assert.deepEqual(parseOwner("root:"), { uid: 0, gid: 0 });
  assert.deepEqual([userName(0), groupName(0)], ["root", "root"]);
  assert.equal(userName(4_000_000_000), "4000000000");
});

test("what is no owner is wrong usage", () => {
  for (const text of ["", ":", "no such user", "root:no such group", "4294967295", "-1", "4294967294:"]) {
    assert.throws(() => parseOwner(text), { code: "ERR_INVALID_ARGUMENT" }, text);
  }
});
