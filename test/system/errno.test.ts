import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";
import { isDidafsError } from "../../src/std/errors.ts";
import { ERRNO, errnoText, fromNodeError, systemError } from "../../src/system/errno.ts";

test("an errno has a name and a meaning", () => {
  assert.equal(errnoText(ERRNO.ENOSPC), "ENOSPC: No space left on device");
  assert.match(errnoText(133), /^errno 133: .*hardware error/i);
});

test("errors that a person can act on have their own code, the rest is ERR_IO", () => {
  const codes = {
    ENOSPC: "ERR_NO_SPACE",
    EDQUOT: "ERR_NO_SPACE",
    EADDRINUSE: "ERR_PORT_IN_USE",
    EACCES: "EACCES",
    EMFILE: "ERR_TOO_MANY",
    ENFILE: "ERR_TOO_MANY",
    ENOMEM: "ERR_TOO_MANY",
    EIO: "ERR_IO",
    EROFS: "ERR_IO",
  } as const;
  for (const [name, code] of Object.entries(codes)) {
    const error = systemError("do it", ERRNO[name as keyof typeof codes]);
    assert.equal(error.code, code);
    assert.ok(error.message.startsWith(`cannot do it: ${name}: `), error.message);
  }
});

test("errors of Node's file functions become typed errors, others pass", () => {
  try {
    statSync("/no/such/file");
    assert.fail();
  } catch (error) {
    assert.ok(isDidafsError(fromNodeError("look", error), "ENOENT"));
  }
  const other = new TypeError("other");
  assert.equal(fromNodeError("look", other), other);
});
