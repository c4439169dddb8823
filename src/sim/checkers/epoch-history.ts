/**
 * What one epoch did with one key, which stands for one word or one line. A key holds either a number (`read`, `write`),
 * which is 0 at first, or a list of numbers (`list`, `append`), which is empty at first. No number is written to a key
 * twice.
 */
export type EpochStep =
  | { readonly op: "read"; readonly key: string; readonly value: number }
  | { readonly op: "write"; readonly key: string; readonly value: number }
  | { readonly op: "list"; readonly key: string; readonly values: readonly number[] }
  | { readonly op: "append"; readonly key: string; readonly value: number };

/** One epoch, as it was seen by its client. */
export interface Epoch {
  readonly client: string;
  /** Positions in the order of all invocations and returns of the run; of unknown outcome `returned` says nothing. */
  readonly invoked: number;
  readonly returned: number;
  /** `unknown`: it may take effect at any later time, or never. */
  readonly outcome: "committed" | "aborted" | "unknown";
  /** In the order of issue, each once the one before it had ended. */
  readonly steps: readonly EpochStep[];
  /** It looks at what is left, when nothing takes effect any more: after all that are not final. */
  readonly final?: boolean;
}

/** What was asked for, with atomicity `all`. */
export interface EpochClass {
  readonly isolation: "none" | "shared" | "exclusive" | "serializable";
  readonly consistency: "relaxed" | "release";
}

/** By the names of Adya, where he has one. */
export type AnomalyName =
  | "G0"
  | "G1a"
  | "G1b"
  | "G1c"
  | "G-single"
  | "G-monotonic"
  | "G2"
  | "lost update"
  | "internal"
  | "incompatible versions"
  | "unknown value";

export interface Anomaly {
  readonly name: AnomalyName;
  /** It is none where nobody asks which epoch had ended before another one began, or came last. */
  readonly realTime: boolean;
  /** Their positions in the history: those of the circle in its order, or who saw it, and of whom. */
  readonly epochs: readonly number[];
  readonly text: string;
}
