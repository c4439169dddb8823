/** What name workers do, and what their directory must look like after it. Paths are relative to a worker's directory. */
import type { SimRandom } from "../../src/sim/random.ts";

export type NameCall =
  | { readonly call: "create"; readonly path: string; readonly size: number; readonly targets: number }
  | { readonly call: "mkdir"; readonly path: string }
  | { readonly call: "symlink"; readonly path: string; readonly target: string }
  | { readonly call: "link"; readonly from: string; readonly path: string }
  | { readonly call: "rename"; readonly from: string; readonly path: string }
  | { readonly call: "chmod"; readonly path: string; readonly mode: number }
  | { readonly call: "resize"; readonly path: string; readonly size: number }
  | { readonly call: "remove"; readonly path: string };

/** `unknown`: it failed, and may have been done. */
export type NameOutcome = "done" | "not done" | "unknown";

interface Node {
  readonly type: "file" | "directory" | "symlink";
  mode: number;
  size: number;
  /** Of a symbolic link: what it says. */
  readonly target?: string;
}

/** What can be seen of a name; absent names have none. */
export type Appearance = string;

interface Doubt {
  readonly call: NameCall;
  /** The names that tell whether it was done, without it and with it. */
  readonly before: ReadonlyMap<string, Appearance | undefined>;
  readonly after: ReadonlyMap<string, Appearance | undefined>;
}

const FEW = 6;
const MANY = 24;

/** The names in one directory, of which calls without an answer may have been done. */
export class Names {
  #nodes = new Map<string, Node>();
  readonly #doubts: Doubt[] = [];
  /** Names at the top whose calls are not all known to be done: left alone from then on. */
  readonly #frozen = new Set<string>();
  #nextNumber = 0;

  /** @returns a call that can succeed */
  choose(random: SimRandom): NameCall {
    const free = [...this.#nodes].filter(([path]) => !this.#frozen.has(topOf(path)));
    const pick = (type: Node["type"]): string | undefined => {
      const paths = free.filter(([, node]) => node.type === type).map(([path]) => path);
      return paths[random.between(0, Math.max(paths.length - 1, 0))];
    };
    const [file, directory, symlink] = [pick("file"), pick("directory"), pick("symlink")];
    const path = this.#fresh(random.between(0, 1) === 0 ? undefined : directory);
    const top = this.#fresh(undefined);
    const size = random.between(0, 3) * 5000;
    const calls: (NameCall | undefined)[] = [
      { call: "create", path, size, targets: random.between(0, 1) === 0 ? 1 : 3 },
      { call: "mkdir", path: top },
      { call: "symlink", path, target: `nowhere-${random.between(0, 99)}` },
      file === undefined ? undefined : { call: "link", from: file, path: top },
      file === undefined ? undefined : { call: "rename", from: file, path },
      directory === undefined ? undefined : { call: "rename", from: directory, path: top },
      file === undefined ? undefined : { call: "chmod", path: file, mode: random.between(0, 0o777) },
      file === undefined ? undefined : { call: "resize", path: file, size },
    ];
    const removals = [file, symlink, directory].flatMap((at) =>
      at === undefined ? [] : [{ call: "remove", path: at } as const],
    );
    if (free.length > FEW) calls.push(...removals);
    const possible = (free.length > MANY ? removals : calls).filter((call) => call !== undefined);
    return possible[random.between(0, possible.length - 1)] as NameCall;
  }

  #fresh(directory: string | undefined): string {
    const name = `n${this.#nextNumber++}`;
    return directory === undefined ? name : `${directory}/${name}`;
  }

  /** Takes in how a call ended. */
  note(call: NameCall, outcome: NameOutcome): void {
    if (outcome === "not done") return;
    const without = new Names();
    without.#nodes = this.#nodes;
    const before = without.#appearances();
    const changed = structuredClone(this.#nodes);
    apply(changed, call);
    const withIt = new Names();
    withIt.#nodes = changed;
    const after = withIt.#appearances();
    if (outcome === "done") {
      this.#nodes = changed;
      return;
    }
    const different = [...new Set([...before.keys(), ...after.keys()])].filter(
      (path) => before.get(path) !== after.get(path),
    );
    const of = (all: ReadonlyMap<string, Appearance>) =>
      new Map(different.map((path) => [path, all.get(path)]));
    this.#doubts.push({ call, before: of(before), after: of(after) });
    // Also the other names of the same files: through them the files would go on changing.
    const files = new Set(different.map((path) => this.#nodes.get(path)));
    for (const [path, node] of this.#nodes) if (files.has(node)) this.#frozen.add(topOf(path));
    for (const path of different) this.#frozen.add(topOf(path));
  }

  #appearances(): Map<string, Appearance> {
    const names = new Map<Node, number>();
    for (const node of this.#nodes.values()) names.set(node, (names.get(node) ?? 0) + 1);
    return new Map(
      [...this.#nodes].map(([path, node]) => [
        path,
        appearance({ ...node, nlink: names.get(node) as number, target: node.target ?? "" }),
      ]),
    );
  }

  /** @param found everything below the directory @returns what is not as it must be */
  faults(found: ReadonlyMap<string, Appearance>): string[] {
    const expected: Map<string, Appearance | undefined> = this.#appearances();
    const faults: string[] = [];
    for (const { call, before, after } of this.#doubts) {
      const matches = (state: typeof before) => [...state].every(([path, seen]) => found.get(path) === seen);
      if (!matches(before) && !matches(after)) {
        faults.push(`${JSON.stringify(call)}: neither as without it nor as with it`);
      }
      for (const path of before.keys()) expected.set(path, found.get(path));
    }
    for (const path of new Set([...expected.keys(), ...found.keys()])) {
      const [is, must] = [found.get(path), expected.get(path)];
      if (is !== must) faults.push(`${path} is ${is ?? "absent"}, must be ${must ?? "absent"}`);
    }
    return faults;
  }
}

/** What can be seen of a name. Of a directory the number of its names is what is in it. */
export function appearance({
  type,
  mode,
  size,
  nlink,
  target,
}: {
  type: Node["type"];
  mode: number;
  size: number;
  nlink: number;
  target: string;
}): Appearance {
  if (type === "directory") return type;
  if (type === "symlink") return `symlink to ${target}`;
  return `file of ${size} bytes, mode ${mode.toString(8)}, ${nlink} names`;
}

function apply(nodes: Map<string, Node>, call: NameCall): void {
  const { path } = call;
  switch (call.call) {
    case "create":
      nodes.set(path, { type: "file", mode: 0o644, size: call.size });
      break;
    case "mkdir":
      nodes.set(path, { type: "directory", mode: 0o755, size: 0 });
      break;
    case "symlink":
      nodes.set(path, { type: "symlink", mode: 0o777, size: call.target.length, target: call.target });
      break;
    case "link":
      nodes.set(path, nodes.get(call.from) as Node);
      break;
    case "chmod":
      (nodes.get(path) as Node).mode = call.mode;
      break;
    case "resize":
      (nodes.get(path) as Node).size = call.size;
      break;
    case "rename":
      for (const [inside, node] of [...nodes]) {
        if (!isWithin(inside, call.from)) continue;
        nodes.delete(inside);
        nodes.set(path + inside.slice(call.from.length), node);
      }
      break;
    case "remove":
      for (const inside of [...nodes.keys()]) if (isWithin(inside, path)) nodes.delete(inside);
      break;
  }
}

const topOf = (path: string): string => path.split("/")[0] as string;

function isWithin(path: string, of: string): boolean {
  return path === of || path.startsWith(`${of}/`);
}
