import type { Scenarios } from "./fixture.ts";

/** What groups give. */
export const GROUP_SCENARIOS = {
  ERR_GROUP_ENDED: {
    names: /group ended .*rank 1/,
    async provoke(fixture) {
      const [one, other] = await Promise.all([
        (await fixture.cluster).group("ended", { size: 2, rank: 0 }),
        (await fixture.client("tcp")).group("ended", { size: 2, rank: 1 }),
      ]);
      const waiting = one.barrier();
      waiting.catch(() => {});
      await other.leave();
      await waiting;
    },
  },
  ERR_GROUP_TAKEN: {
    names: /group taken .*rank 0/,
    async provoke(fixture) {
      const controller = new AbortController();
      const first = (await fixture.cluster).group("taken", { size: 2, rank: 0, signal: controller.signal });
      first.catch(() => {});
      try {
        const late = await fixture.client("tcp");
        // Whichever of the two comes first: the other one is told.
        await Promise.race([first, late.group("taken", { size: 2, rank: 0 })]);
      } finally {
        controller.abort();
      }
    },
  },
} satisfies Partial<Scenarios<string>>;
