import { isDidafsError } from "../std/errors.ts";

/** `not done`: it certainly had no effect. `unknown`: it may take effect at any later time, or never. */
export type Outcome = "done" | "not done" | "unknown";

/** One call of a client, as it was seen from there. */
export interface Operation<I, O> {
  readonly client: string;
  readonly input: I;
  /** Positions in the order of all invocations and returns of the run; `returned` is Infinity while nobody knows. */
  readonly invoked: number;
  returned: number;
  outcome: Outcome;
  /** Of what is done. */
  output: O | undefined;
}

/** Counts invocations and returns of one run. All of it is one thread, so their order is that of real time. */
export class Sequence {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

/** What clients called, and how it ended. */
export class History<I, O> {
  readonly operations: Operation<I, O>[] = [];
  readonly #sequence: Sequence;
  readonly #note: (client: string, text: string) => void;

  constructor(sequence: Sequence, note: (client: string, text: string) => void = () => {}) {
    this.#sequence = sequence;
    this.#note = note;
  }

  /**
   * Makes a call and writes down how it ended.
   * @param refused what an error says that is an answer too: a refusal which the model must allow
   * @throws what the call throws, unless it is an answer
   */
  async record(
    client: string,
    input: I,
    call: () => Promise<O> | O,
    refused: (error: unknown) => O | undefined = () => undefined,
  ): Promise<O> {
    const operation = this.begin(client, input);
    try {
      return this.end(operation, await call());
    } catch (error) {
      const answer = refused(error);
      if (answer !== undefined) return this.end(operation, answer);
      operation.outcome = isDidafsError(error) && error.applied === "no" ? "not done" : "unknown";
      this.#note(client, `${JSON.stringify(input)} fails, ${operation.outcome}: ${shortly(error)}`);
      throw error;
    }
  }

  begin(client: string, input: I): Operation<I, O> {
    const operation: Operation<I, O> = {
      client,
      input,
      invoked: this.#sequence.next(),
      returned: Number.POSITIVE_INFINITY,
      // What its process takes with it when it ends.
      outcome: "unknown",
      output: undefined,
    };
    this.operations.push(operation);
    return operation;
  }

  end(operation: Operation<I, O>, output: O): O {
    operation.returned = this.#sequence.next();
    operation.outcome = "done";
    operation.output = output;
    this.#note(operation.client, `${JSON.stringify(operation.input)} gives ${JSON.stringify(output)}`);
    return output;
  }
}

function shortly(error: unknown): string {
  return isDidafsError(error) ? `${error.code} ${error.message}` : String(error);
}
