import type { Anomaly, AnomalyName, Epoch } from "./epoch-history.ts";

/** One bug shows in many places; nobody reads all of them. */
const ANOMALIES_MAX = 20;

const MEANINGS: Readonly<Record<AnomalyName, string>> = {
  G0: "dirty write: writes of epochs are mixed",
  G1a: "aborted read",
  G1b: "intermediate read",
  G1c: "circular information flow: each saw or overwrote the other",
  "G-single": "read skew: it saw some of what came before it, and missed some",
  "G-monotonic": "an epoch is seen, and later it is not",
  G2: "write skew: each missed what another one wrote",
  "lost update": "both read the same version and replaced it",
  internal: "an epoch does not read its own writes as it made them",
  "incompatible versions": "a key has no single order of versions",
  "unknown value": "nobody wrote what was read",
};

/** Collects what is wrong, and says it in words. */
export class Anomalies {
  readonly found: Anomaly[] = [];
  readonly #epochs: readonly Epoch[];

  constructor(epochs: readonly Epoch[]) {
    this.#epochs = epochs;
  }

  get isFull(): boolean {
    return this.found.length >= ANOMALIES_MAX;
  }

  /** @param epochs positions of those that it is about; the text names them by `told` */
  add(name: AnomalyName, epochs: readonly number[], text: string, realTime = false): void {
    if (this.isFull) return;
    const aside = realTime ? ", in real time" : "";
    this.found.push({ name, realTime, epochs, text: `${name}${aside} (${MEANINGS[name]}): ${text}` });
  }

  told(epoch: number): string {
    const { client, invoked, returned, outcome } = this.#epochs[epoch] as Epoch;
    const doubt = outcome === "committed" ? "" : `, ${outcome}`;
    return `epoch ${epoch} (${client}, ${invoked} to ${returned}${doubt})`;
  }
}
