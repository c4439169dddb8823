import type { Epoch, EpochStep } from "../../../src/sim/checkers/epoch-history.ts";
import type { SimRandom } from "../../../src/sim/random.ts";
import { EpochRun, mutated } from "./epoch-runs.ts";

/** A run of up to five epochs, of which some reads may be changed. */
export function smallRun(random: SimRandom, isList: boolean): Epoch[] {
  const final = random.chance(0.3);
  const run = new EpochRun(random, {
    epochs: random.between(2, final ? 4 : 5),
    clients: random.between(2, 4),
    keys: random.between(1, 3),
    isList,
    blind: random.pick([0, 0.5, 1]),
    locked: random.pick(["writes", "writes", "reads and writes"]),
    unknown: random.pick([0, 0.3]),
    final,
  });
  let { history } = run;
  for (let changes = random.between(0, 2); changes > 0; changes -= 1)
    history = mutated(history, random) ?? history;
  return history;
}

/** Up to five epochs that read anything that was written, and now and then what was not. */
export function anyHistory(random: SimRandom, isList: boolean): Epoch[] {
  const written = new Map<string, number[]>();
  let value = 0;
  const plans = Array.from({ length: random.between(1, 5) }, () =>
    Array.from({ length: random.between(0, 3) }, () => {
      const key = random.pick(["x", "y"]);
      if (random.chance(0.5)) return { key, value: 0 };
      value += 1;
      written.set(key, [...(written.get(key) ?? []), value]);
      return { key, value };
    }),
  );
  /** So that many lists agree with each other. */
  const orders = new Map([...written].map(([key, values]) => [key, shuffled(values, random)]));
  return plans.map((plan) => {
    const own = new Map<string, number[]>();
    const steps = plan.map(({ key, value }): EpochStep => {
      const mine = own.get(key) ?? [];
      if (value !== 0) {
        own.set(key, [...mine, value]);
        return { op: isList ? "append" : "write", key, value };
      }
      const order = random.chance(0.95)
        ? (orders.get(key) ?? [])
        : shuffled([...(written.get(key) ?? []), 99], random);
      if (!isList) {
        const own = random.chance(0.98) ? mine.at(-1) : undefined;
        return { op: "read", key, value: own ?? random.pick([0, ...order]) };
      }
      const others = random.chance(0.98) ? order.filter((one) => !mine.includes(one)) : order;
      const values = [
        ...others.slice(0, random.between(0, others.length)),
        ...(random.chance(0.98) ? mine : []),
      ];
      return { op: "list", key, values };
    });
    const invoked = random.between(1, 20);
    const outcome = random.pick(["committed", "committed", "committed", "unknown", "aborted"] as const);
    const returned = outcome === "unknown" ? Number.POSITIVE_INFINITY : invoked + random.between(1, 8);
    return { client: "c", invoked, returned, outcome, steps };
  });
}

function shuffled(values: readonly number[], random: SimRandom): number[] {
  const left = [...values];
  return values.map(() => left.splice(random.between(0, left.length - 1), 1)[0] as number);
}
