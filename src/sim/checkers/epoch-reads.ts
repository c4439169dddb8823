import { assert } from "../../std/assert.ts";
import type { Anomalies } from "./epoch-anomalies.ts";
import type { AnomalyName, Epoch, EpochStep } from "./epoch-history.ts";

/** A number that an epoch wrote or appended to a key. */
export interface Write {
  readonly epoch: number;
  readonly value: number;
  /** Among the writes of its epoch to that key, from 0 on. */
  readonly index: number;
  isLast: boolean;
}

/** What an epoch read of others: without what it had written itself. */
export interface Read {
  readonly epoch: number;
  /** Among these reads of its epoch, from 0 on. */
  readonly part: number;
  /** The number; of a list its last one; 0 where nobody had written. */
  readonly value: number;
  /** Of a list: its first `length` of these. */
  readonly values: readonly number[];
  readonly length: number;
}

export interface KeyHistory {
  readonly key: string;
  readonly isList: boolean;
  /** Those of all epochs. */
  readonly writes: Map<number, Write>;
  /** Those of epochs that count and that read what may be read; those of one epoch follow each other. */
  readonly reads: Read[];
}

const EMPTY: readonly number[] = [];

/**
 * What counts of a history: epochs that were committed, and those of unknown outcome of which one that counts has read
 * something, since they must have taken effect. All others of unknown outcome may be left out, whatever the class.
 * Meanwhile looks at each read for itself.
 */
export class EpochReads {
  readonly keys = new Map<string, KeyHistory>();
  readonly counts: Uint8Array;
  /** Reads of others, of each epoch. */
  readonly parts: Uint32Array;
  readonly #epochs: readonly Epoch[];
  readonly #anomalies: Anomalies;
  readonly #open: number[] = [];

  constructor(epochs: readonly Epoch[], anomalies: Anomalies) {
    this.#epochs = epochs;
    this.#anomalies = anomalies;
    this.counts = new Uint8Array(epochs.length);
    this.parts = new Uint32Array(epochs.length);
    for (const epoch of epochs.keys()) this.#indexWrites(epoch);
    for (const [epoch, { outcome }] of epochs.entries()) if (outcome === "committed") this.#count(epoch);
    for (let epoch = this.#open.pop(); epoch !== undefined; epoch = this.#open.pop()) this.#readAll(epoch);
  }

  #count(epoch: number): void {
    if (this.counts[epoch] === 1) return;
    this.counts[epoch] = 1;
    this.#open.push(epoch);
  }

  #indexWrites(epoch: number): void {
    const last = new Map<string, Write>();
    for (const step of this.#steps(epoch)) {
      const { writes } = this.#keyOf(step);
      if (step.op === "read" || step.op === "list") continue;
      const { key, value } = step;
      assert(
        value !== 0 && !writes.has(value),
        `each number is written to ${key} once, and ${value} was not`,
      );
      const before = last.get(key);
      if (before !== undefined) before.isLast = false;
      const write: Write = { epoch, value, index: before === undefined ? 0 : before.index + 1, isLast: true };
      writes.set(value, write);
      last.set(key, write);
    }
  }

  #steps(epoch: number): readonly EpochStep[] {
    return (this.#epochs[epoch] as Epoch).steps;
  }

  #keyOf({ op, key }: EpochStep): KeyHistory {
    const isList = op === "list" || op === "append";
    let history = this.keys.get(key);
    if (history === undefined) {
      history = { key, isList, writes: new Map(), reads: [] };
      this.keys.set(key, history);
    }
    assert(history.isList === isList, `${key} holds either a number or a list`);
    return history;
  }

  #readAll(epoch: number): void {
    const own = new Map<string, number[]>();
    for (const step of this.#steps(epoch)) {
      const { key } = step;
      const mine = own.get(key);
      if (step.op === "write" || step.op === "append") {
        if (mine === undefined) own.set(key, [step.value]);
        else mine.push(step.value);
      } else if (step.op === "list") this.#readList(epoch, step, mine ?? EMPTY);
      else if (mine === undefined) this.#readNumber(epoch, step);
      else if (mine.at(-1) !== step.value) {
        this.#refuse("internal", epoch, `wrote ${mine.at(-1)} to ${key}, and then read ${step.value} of it`);
      }
    }
  }

  #readNumber(epoch: number, step: Extract<EpochStep, { op: "read" }>): void {
    const { value } = step;
    const key = this.#keyOf(step);
    if (value === 0 || this.#mayRead(epoch, key, value, true)) this.#keep(epoch, key, value, EMPTY, 0);
  }

  #readList(epoch: number, step: Extract<EpochStep, { op: "list" }>, mine: readonly number[]): void {
    const { values } = step;
    const key = this.#keyOf(step);
    const length = values.length - mine.length;
    if (!mine.every((value, index) => values[length + index] === value)) {
      const text = `appended ${mine} to ${key.key}, and then read a list of it that does not end so: ${values}`;
      this.#refuse("internal", epoch, text);
      return;
    }
    for (let i = 0; i < length; i += 1) {
      if (!this.#mayRead(epoch, key, values[i] as number, i === length - 1)) return;
    }
    this.#keep(epoch, key, length === 0 ? 0 : (values[length - 1] as number), values, length);
  }

  #keep(epoch: number, key: KeyHistory, value: number, values: readonly number[], length: number): void {
    const part = this.parts[epoch] as number;
    this.parts[epoch] = part + 1;
    key.reads.push({ epoch, part, value, values, length });
  }

  /** @param isVersion it is what the key held, and not something before that */
  #mayRead(epoch: number, { writes, key }: KeyHistory, value: number, isVersion: boolean): boolean {
    const write = writes.get(value);
    if (write === undefined) return this.#refuse("unknown value", epoch, `read ${value} of ${key}`);
    const writer = write.epoch;
    if (writer === epoch) {
      return this.#refuse("internal", epoch, `read ${value} of ${key} before it wrote that`);
    }
    if ((this.#epochs[writer] as Epoch).outcome === "aborted") {
      return this.#refuse("G1a", epoch, `read ${value} of ${key}, which came from`, writer);
    }
    this.#count(writer);
    if (!isVersion || write.isLast) return true;
    return this.#refuse("G1b", epoch, `read ${value} of ${key}, which was not the last there of`, writer);
  }

  #refuse(name: AnomalyName, epoch: number, text: string, other?: number): false {
    const anomalies = this.#anomalies;
    const whole = `${anomalies.told(epoch)} ${text}`;
    if (other === undefined) anomalies.add(name, [epoch], whole);
    else anomalies.add(name, [epoch, other], `${whole} ${anomalies.told(other)}`);
    return false;
  }
}
