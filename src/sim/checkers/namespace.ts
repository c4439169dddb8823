import type { ErrorCode } from "../../std/errors.ts";
import type { Operation } from "../history.ts";
import { linearize, type Model, type Verdict } from "./linearizability.ts";
import { inByteOrder, type ModelNode, Refused } from "./model-tree.ts";
import { NamespaceModel } from "./namespace-model.ts";

/**
 * A namespace against its model (namespace-model.ts): there is an order of all calls in which the model gives each the
 * answer that it got. Calls of one directory at the top, which the others leave alone, are checked together.
 *
 * A creation may be refused with ENOENT where directories on the way went away while it was under way: the service counts
 * them once. That is allowed here whenever there are any.
 *
 * Does not verify: times, owners, extended attributes, open files and what becomes of bytes; calls that name two
 * directories at the top. Of a recursive removal that nobody knows the end of, that it was done whole.
 */
export type NameInput =
  | { readonly call: "create"; readonly path: string; readonly size: number }
  | { readonly call: "mkdir"; readonly path: string }
  | { readonly call: "symlink"; readonly path: string; readonly target: string }
  | { readonly call: "link"; readonly existing: string; readonly path: string }
  | { readonly call: "rename"; readonly from: string; readonly to: string }
  | { readonly call: "remove"; readonly path: string }
  | { readonly call: "chmod"; readonly path: string; readonly mode: number }
  | { readonly call: "stat"; readonly path: string }
  | { readonly call: "readdir"; readonly path: string };

/** What a call tells: of what succeeded, what it looked at; else the code of the refusal. */
export type NameOutput =
  | { readonly refused: ErrorCode }
  | { readonly done: true }
  | {
      readonly stat: {
        readonly type: string;
        readonly size: number;
        readonly mode: number;
        readonly nlink: number;
      };
    }
  | { readonly names: readonly string[] };

export type NameOperation = Operation<NameInput, NameOutput>;

/** Codes that a call is refused with for what the names are; all others say that it could not be carried out. */
const NAME_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  "ENOENT",
  "EEXIST",
  "ENOTDIR",
  "EISDIR",
  "ENOTEMPTY",
  "ELOOP",
  "EINVAL",
  "EPERM",
]);

export function isNameCode(code: ErrorCode): boolean {
  return NAME_CODES.has(code);
}

/** Each step copies a tree. */
const TRIED_MAX = 20_000;

/** @param directories that are there from the beginning @param operations below one of them */
export function checkNames(
  directories: readonly string[],
  operations: readonly NameOperation[],
): Verdict<NameInput, NameOutput> {
  const looked = operations.filter(({ input, outcome }) => outcome === "done" || !isLook(input));
  const { stackTraceLimit } = Error;
  // Refusals are thrown by the thousand, and nobody looks where.
  Error.stackTraceLimit = 0;
  try {
    return linearize(looked, new NamesModel(directories), TRIED_MAX);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function isLook({ call }: NameInput): boolean {
  return call === "stat" || call === "readdir";
}

/** A namespace, and what tells it from others. */
interface State {
  readonly model: NamespaceModel;
  readonly key: string;
}

class NamesModel implements Model<State, NameInput, NameOutput> {
  readonly initial: State;
  /** What was tried: the search comes by the same states again and again. */
  readonly #after = new Map<string, readonly State[]>();

  constructor(directories: readonly string[]) {
    const model = new NamespaceModel();
    for (const directory of directories) model.mkdir(directory);
    this.initial = { model, key: keyOf(model) };
  }

  apply(state: State, operation: NameOperation): readonly State[] {
    const place = `${operation.invoked} ${state.key}`;
    let after = this.#after.get(place);
    if (after === undefined) {
      after = statesAfter(state, operation);
      this.#after.set(place, after);
    }
    return after;
  }

  key(state: State): string {
    return state.key;
  }
}

function statesAfter(state: State, { input, output, outcome }: NameOperation): readonly State[] {
  const model = isLook(input) ? state.model : state.model.fork();
  let result: NameOutput;
  try {
    result = apply(model, input);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // Refused or not, nothing has changed: of an unknown call that is as if it never came.
    if (outcome !== "done") return [state];
    return output !== undefined && "refused" in output && error.codes.includes(output.refused) ? [state] : [];
  }
  const after = (): State => (isLook(input) ? state : { model, key: keyOf(model) });
  if (outcome !== "done") return [after()];
  if (input.call === "create" && isWayGone(input.path, output)) return [state];
  return JSON.stringify(result) === JSON.stringify(output) ? [after()] : [];
}

function keyOf(model: NamespaceModel): string {
  const numbers = new Map<ModelNode, number>();
  const entries: string[] = [];
  for (const [path, node] of model.tree()) {
    if (!numbers.has(node)) numbers.set(node, numbers.size);
    entries.push(`${path} ${numbers.get(node)} ${node.type} ${node.mode} ${node.size} ${node.target}`);
  }
  return entries.join("|");
}

/** Of a path with directories below the one at the top. */
function isWayGone(path: string, output: NameOutput | undefined): boolean {
  return (
    output !== undefined && "refused" in output && output.refused === "ENOENT" && path.split("/").length > 3
  );
}

function apply(model: NamespaceModel, input: NameInput): NameOutput {
  switch (input.call) {
    case "create":
      model.open(0, input.path, "exclusive", { size: input.size });
      model.close(model.handles.length - 1);
      return { done: true };
    case "mkdir":
      model.mkdir(input.path);
      return { done: true };
    case "symlink":
      model.symlink(input.target, input.path);
      return { done: true };
    case "link":
      model.link(input.existing, input.path);
      return { done: true };
    case "rename":
      model.rename(input.from, input.to);
      return { done: true };
    case "remove":
      model.remove(input.path, false);
      return { done: true };
    case "chmod":
      model.setattr(input.path, true, {
        mode: input.mode,
        uid: undefined,
        gid: undefined,
        atimeMs: undefined,
        mtimeMs: undefined,
      });
      return { done: true };
    case "stat": {
      const { type, size, mode, nlink } = model.stat(input.path, false);
      return { stat: { type, size, mode, nlink } };
    }
    case "readdir":
      return { names: inByteOrder(model.readdir(input.path).entries.keys()) };
  }
}
