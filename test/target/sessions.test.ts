import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallContext } from "../../src/rpc/handlers.ts";
import { OriginKey, type Transcript } from "../../src/rpc/proofs.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimLeases } from "../../src/sim/lease-record.ts";
import { SimRandom } from "../../src/sim/random.ts";
import { Sessions, type SessionsParts } from "../../src/target/sessions.ts";
import type { Params } from "../../src/wire/control.ts";
import { CapturedLog } from "../support/captured-log.ts";

/** As docs/operating.md says. */
const WINDOWS_MAX = 65_536;
const TRANSCRIPT: Transcript = {
  role: "origin",
  service: "target",
  id: "7".repeat(32),
  callerNonce: "1".repeat(64),
  serviceNonce: "2".repeat(64),
};
const WINDOW: Params<"window.bind"> = {
  capability: "",
  at: 0,
  byteLength: 4096,
  rights: "r",
  sharing: "managed",
  direct: false,
};

/** Sessions alone, on regions and workers that grant everything at once: a whole target would take too long. */
function granted() {
  const inUse = { count: 0 };
  const region = { inode: 1, index: 0, worker: 0, byteLength: 4096, object: { descriptor: 9 } };
  const parts = {
    regions: {
      acquire: async () => {
        inUse.count += 1;
        return region;
      },
      release: () => {
        inUse.count -= 1;
      },
    },
    workers: [{ openSession: () => {}, bind: async () => 0, unbind: async () => {} }],
    random: new SimRandom(1),
    clock: new SimClock(),
    lease: { holds: () => true },
    checks: { check: () => ({ inode: 1, index: 0, gen: 0 }), isRevoked: () => false },
    grants: { grant: () => ({ direct: false, protection: "checked" }) },
    leases: new SimLeases().record(),
    durable: false,
    log: new CapturedLog().logger,
  };
  const {
    "session.open": open,
    "window.bind": bind,
    "window.unbind": unbind,
  } = new Sessions(parts as unknown as SessionsParts).handlers(TRANSCRIPT);
  assert.ok(open !== undefined && bind !== undefined && unbind !== undefined);
  return { inUse, open, bind, unbind };
}

test(`a session has ${WINDOWS_MAX} windows at most; another session, or closing one, gives room`, async () => {
  const { inUse, open, bind, unbind } = granted();
  const key = new OriginKey(new Uint8Array(32).fill(5));
  const context = (): CallContext => {
    const opened = { channel: {} } as CallContext;
    void open({ leaseMs: 0, originKey: key.publicKey, proof: key.prove(TRANSCRIPT) }, opened);
    return opened;
  };
  const [one, other] = [context(), context()];
  for (let count = 0; count < WINDOWS_MAX; count += 1) await bind(WINDOW, one);
  await assert.rejects(async () => bind(WINDOW, one), { code: "ERR_TOO_MANY", message: /65536 windows/ });
  assert.equal(inUse.count, WINDOWS_MAX, "what was refused holds no region");
  await bind(WINDOW, other);
  await unbind({ handle: 1 }, one);
  const { handle } = await bind(WINDOW, one);
  assert.equal(handle, WINDOWS_MAX + 1);
});
