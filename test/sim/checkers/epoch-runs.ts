import type { Epoch, EpochStep } from "../../../src/sim/checkers/epoch-history.ts";
import type { SimRandom } from "../../../src/sim/random.ts";

export interface Shape {
  readonly epochs: number;
  readonly clients: number;
  readonly keys: number;
  readonly isList: boolean;
  /** Of writes of numbers that replace what the epoch has not read. */
  readonly blind: number;
  /** With `reads and writes` epochs are serializable; with `writes` nobody locks what he reads. */
  readonly locked: "reads and writes" | "writes";
  /** Of epochs whose end nobody is told. */
  readonly unknown: number;
  /** Whether somebody looks at all keys in the end. */
  readonly final: boolean;
}

interface Running {
  readonly epoch: { -readonly [K in keyof Epoch]: Epoch[K] } & { readonly steps: EpochStep[] };
  readonly own: Map<string, number[]>;
  stepsLeft: number;
  isInDoubt: boolean;
}

/** A toy executor: clients in turns, writes kept until the end and then done at once, locks that are never waited for. */
export class EpochRun {
  readonly history: Epoch[] = [];
  readonly #random: SimRandom;
  readonly #shape: Shape;
  readonly #state = new Map<string, readonly number[]>();
  readonly #readers = new Map<string, Set<Running>>();
  readonly #writers = new Map<string, Running>();
  readonly #running: (Running | undefined)[] = [];
  readonly #inDoubt: Running[] = [];
  #sequence = 0;
  #value = 0;

  constructor(random: SimRandom, shape: Shape) {
    this.#random = random;
    this.#shape = shape;
    while (this.history.length < shape.epochs || this.#running.some((one) => one !== undefined)) this.#turn();
    while (this.#inDoubt.length > 0) this.#resolve();
    if (shape.final) this.#lookAtAll();
  }

  #turn(): void {
    if (this.#inDoubt.length > 0 && this.#random.chance(0.2)) this.#resolve();
    const client = this.#random.between(0, this.#shape.clients - 1);
    const running = this.#running[client];
    if (running !== undefined) this.#go(client, running);
    else if (this.history.length < this.#shape.epochs) this.#running[client] = this.#begin(`c${client}`);
  }

  #begin(client: string): Running {
    this.#sequence += 1;
    const epoch = {
      client,
      invoked: this.#sequence,
      returned: Number.POSITIVE_INFINITY,
      outcome: "unknown" as Epoch["outcome"],
      steps: [],
    };
    this.history.push(epoch);
    return { epoch, own: new Map(), stepsLeft: this.#random.between(1, 5), isInDoubt: false };
  }

  #go(client: number, running: Running): void {
    if (running.stepsLeft > 0) {
      running.stepsLeft -= 1;
      const key = `k${this.#random.between(0, this.#shape.keys - 1)}`;
      const isDone = this.#random.chance(0.5) ? this.#read(running, key) : this.#write(running, key);
      if (isDone) return;
      this.#end(running, "aborted");
    } else if (this.#random.chance(this.#shape.unknown)) {
      running.isInDoubt = true;
      this.#inDoubt.push(running);
    } else {
      this.#apply(running);
      this.#end(running, "committed");
    }
    this.#running[client] = undefined;
  }

  #read(running: Running, key: string): boolean {
    const writer = this.#writers.get(key);
    // What is in doubt cannot be read before it is known.
    if (writer !== undefined && writer !== running) {
      if (writer.isInDoubt || this.#shape.locked === "reads and writes") return false;
    }
    const readers = this.#readers.get(key) ?? new Set();
    this.#readers.set(key, readers.add(running));
    running.epoch.steps.push(this.#seen(key, running.own.get(key) ?? []));
    return true;
  }

  #seen(key: string, own: readonly number[]): EpochStep {
    const state = this.#state.get(key) ?? [];
    if (this.#shape.isList) return { op: "list", key, values: [...state, ...own] };
    return { op: "read", key, value: own.at(-1) ?? state.at(-1) ?? 0 };
  }

  #write(running: Running, key: string): boolean {
    const isBlind = this.#shape.isList || this.#random.chance(this.#shape.blind);
    if (!isBlind && !this.#read(running, key)) return false;
    const writer = this.#writers.get(key);
    if (writer !== undefined && writer !== running) return false;
    const others = [...(this.#readers.get(key) ?? [])].filter((reader) => reader !== running);
    if (this.#shape.locked === "reads and writes" && others.length > 0) return false;
    this.#writers.set(key, running);
    this.#value += 1;
    running.own.set(key, [...(running.own.get(key) ?? []), this.#value]);
    running.epoch.steps.push({ op: this.#shape.isList ? "append" : "write", key, value: this.#value });
    return true;
  }

  #apply({ own }: Running): void {
    for (const [key, values] of own) {
      const state = this.#state.get(key) ?? [];
      this.#state.set(key, this.#shape.isList ? [...state, ...values] : values.slice(-1));
    }
  }

  #end(running: Running, outcome: Epoch["outcome"]): void {
    running.epoch.outcome = outcome;
    if (outcome !== "unknown") {
      this.#sequence += 1;
      running.epoch.returned = this.#sequence;
    }
    for (const { key } of running.epoch.steps) {
      this.#readers.get(key)?.delete(running);
      if (this.#writers.get(key) === running) this.#writers.delete(key);
    }
  }

  #resolve(): void {
    const [running] = this.#inDoubt.splice(this.#random.between(0, this.#inDoubt.length - 1), 1);
    if (running === undefined) return;
    if (this.#random.chance(0.5)) this.#apply(running);
    this.#end(running, "unknown");
  }

  #lookAtAll(): void {
    const keys = Array.from({ length: this.#shape.keys }, (_, key) => `k${key}`);
    this.history.push({
      client: "final",
      invoked: this.#sequence + 1,
      returned: this.#sequence + 2,
      outcome: "committed",
      steps: keys.map((key) => this.#seen(key, [])),
      final: true,
    });
  }
}

/** The same history with one of the reads that count changed to another version, if there is any. */
export function mutated(history: readonly Epoch[], random: SimRandom): Epoch[] | undefined {
  const places = history.flatMap(({ steps, outcome }, epoch) =>
    outcome === "committed"
      ? steps.flatMap((step, at) => (step.op === "read" || step.op === "list" ? [{ epoch, at }] : []))
      : [],
  );
  if (places.length === 0) return undefined;
  const { epoch, at } = random.pick(places);
  const steps = [...(history[epoch] as Epoch).steps];
  const step = otherVersion(history, steps[at] as EpochStep, random);
  if (step === undefined) return undefined;
  steps[at] = step;
  return history.with(epoch, { ...(history[epoch] as Epoch), steps });
}

function otherVersion(history: readonly Epoch[], step: EpochStep, random: SimRandom): EpochStep | undefined {
  const ofKey = history.flatMap(({ steps }) => steps).filter(({ key }) => key === step.key);
  if (step.op === "read") {
    const values = [
      0,
      ...ofKey.flatMap(({ op, ...other }) => (op === "write" && "value" in other ? [other.value] : [])),
    ];
    const others = values.filter((value) => value !== step.value);
    return others.length === 0 ? undefined : { ...step, value: random.pick(others) };
  }
  if (step.op !== "list") return undefined;
  const lists = ofKey.flatMap((other) => (other.op === "list" ? [other.values] : []));
  const longest = lists.reduce((a, b) => (b.length > a.length ? b : a), []);
  const lengths = Array.from({ length: longest.length + 1 }, (_, length) => length);
  const others = lengths.filter((length) => length !== step.values.length);
  return others.length === 0 ? undefined : { ...step, values: longest.slice(0, random.pick(others)) };
}
