import { SimRandom } from "../../src/sim/random.ts";
import type { Service, Services } from "./services.ts";

const KINDS = [
  "kill a target",
  "kill the metadata service",
  "kill all services",
  "kill the supervisor with all services",
  "kill the supervisor",
  "pause a target",
  "pause the metadata service",
] as const;
type Kind = (typeof KINDS)[number];

/** Shorter and longer than the clients' leases, of 1 s. */
const PAUSES_MS = [400, 2500];
/** Longer than the leases that the metadata service gives, of 10 s; only in long runs. */
const LONG_PAUSE_MS = 13_000;
const LONG_PAUSE_EVERY = 3;

/** Ends, or holds up, services at random. */
export class Outages {
  readonly #services: Services;
  readonly #random: SimRandom;
  readonly #long: boolean;
  #deck: Kind[] = [];

  /** @param long with pauses that outlast every lease */
  constructor(services: Services, seed: number, long: boolean) {
    this.#services = services;
    this.#random = new SimRandom(seed);
    this.#long = long;
  }

  /** Milliseconds until the next one. */
  nextMs(): number {
    return this.#random.between(0, 800);
  }

  /** One outage, from its beginning until all services run again. Every kind comes once before one comes twice. */
  async next(say: (what: string) => void): Promise<void> {
    if (this.#deck.length === 0) this.#deck = this.#shuffled([...KINDS]);
    const kind = this.#deck.pop() as Kind;
    const services = await this.#services.list();
    const target = this.#pick(services.filter(({ name }) => name !== "meta"));
    const meta = services.filter(({ name }) => name === "meta").slice(0, 1);
    say(`${kind}${kind.endsWith("a target") ? ` (${target?.name})` : ""}`);
    const targets = target === undefined ? [] : [target];
    if (kind === "pause a target") await this.#pause(targets, say);
    else if (kind === "pause the metadata service") await this.#pause(meta, say);
    else if (kind === "kill a target") await this.#kill(targets);
    else if (kind === "kill the metadata service") await this.#kill(meta);
    else if (kind === "kill all services") await this.#kill(services);
    else await this.#restart(kind === "kill the supervisor with all services");
  }

  /** A supervisor leaves down what dies too often: then it is killed too. */
  async #kill(victims: readonly Service[]): Promise<void> {
    if (victims.every(({ name }) => this.#services.mayBeKilled(name))) {
      this.#services.kill(victims);
      await this.#services.whole(victims);
    } else await this.#restart(true);
  }

  async #restart(withServices: boolean): Promise<void> {
    await this.#services.killSupervisor(withServices);
    await this.#services.up();
  }

  async #pause(victims: readonly Service[], say: (what: string) => void): Promise<void> {
    const isLong = this.#long && this.#random.between(1, LONG_PAUSE_EVERY) === 1;
    const milliseconds = isLong ? LONG_PAUSE_MS : (this.#pick(PAUSES_MS) as number);
    say(`for ${milliseconds} ms`);
    await Promise.all(victims.map((victim) => this.#services.pause(victim, milliseconds)));
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#random.between(0, Math.max(from.length - 1, 0))];
  }

  #shuffled<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i -= 1) {
      const other = this.#random.between(0, i);
      [items[i], items[other]] = [items[other] as T, items[i] as T];
    }
    return items;
  }
}
