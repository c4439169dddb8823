import { connect } from "../../src/index.ts";
import { World } from "../meta/harness.ts";
import { listening } from "./fake-services.ts";
import type { Scenarios } from "./fixture.ts";

/** What any call can give. */
export const CALL_SCENARIOS = {
  ERR_INVALID_ARGUMENT: {
    names: /timeoutMs.*-5/,
    provoke: async ({ cluster }) => (await cluster).stat("/", { timeoutMs: -5 }),
  },
  ERR_TIMEOUT: {
    names: /within|in time/,
    async provoke(fixture) {
      await fixture.cluster;
      await connect(await listening(fixture, () => {}), { timeoutMs: 100 });
    },
  },
  ERR_ABORTED: {
    names: /signal/,
    provoke: async ({ cluster }) => (await cluster).stat("/", { signal: AbortSignal.abort() }),
  },
  ERR_CLOSED: {
    names: /\/closed/,
    async provoke({ cluster }) {
      const file = await (await cluster).open("/closed", { create: true });
      await file.close();
      await file.window();
    },
  },
  ERR_NOT_SUPPORTED: {
    names: /embedded/,
    async provoke(fixture) {
      await fixture.cluster;
      return fixture.command("down", "--data", fixture.dataOf("files"));
    },
  },
  ERR_INTERNAL: {
    names: /the planted fault/,
    applied: "unknown",
    async provoke(fixture) {
      const world = await World.open({
        after: (body) => void fixture.keep({ [Symbol.asyncDispose]: body }),
      });
      const origin = await world.origin();
      world.engine.transact = () => {
        throw new TypeError("the planted fault");
      };
      await origin.mkdir("/d");
    },
  },
} satisfies Partial<Scenarios<string>>;
