import type { ClusterClient } from "../../client/cluster.ts";
import { isDidafsError } from "../../std/errors.ts";
import { isNameCode, type NameInput, type NameOutput } from "../checkers/namespace.ts";
import type { SimRandom } from "../random.ts";
import type { ClientProcess } from "../world/client-process.ts";
import type { Book, NameDirectory } from "./book.ts";
import { againMs, lookAt } from "./held-window.ts";

const NAMES = ["a", "b", "c"] as const;

/** What a client does to the names in a directory that all share. */
export class NameWork {
  readonly #directory: NameDirectory;
  readonly #client: ClientProcess;
  readonly #cluster: ClusterClient;
  readonly #book: Book;
  readonly #random: SimRandom;

  constructor(
    directory: NameDirectory,
    client: ClientProcess,
    cluster: ClusterClient,
    book: Book,
    random: SimRandom,
  ) {
    this.#directory = directory;
    this.#client = client;
    this.#cluster = cluster;
    this.#book = book;
    this.#random = random;
  }

  /** One call. @returns whether it was answered */
  step(): Promise<boolean> {
    return this.#call(this.#choose());
  }

  async prove(): Promise<boolean> {
    const path = `${this.#directory.path}/${this.#client.name}-${this.#random.next()}`;
    for (const call of ["create", "stat", "remove"] as const) {
      if (!(await this.#call({ call, path, size: 5000 } as NameInput))) return false;
    }
    return this.#call({ call: "readdir", path: this.#directory.path });
  }

  async #call(input: NameInput): Promise<boolean> {
    const { history } = this.#directory;
    try {
      await history.record(this.#client.name, input, () => perform(this.#cluster, input), refusalOf);
      return true;
    } catch (error) {
      lookAt(error, this.#book, `${this.#client.name} ${JSON.stringify(input)}`, false);
      await this.#client.sleep(againMs(this.#book));
      return false;
    }
  }

  #choose(): NameInput {
    const [path, other] = [this.#path(), this.#path()];
    switch (this.#random.between(0, 9)) {
      case 0:
      case 1:
        return { call: "create", path, size: this.#random.pick([0, 5000]) };
      case 2:
        return { call: "mkdir", path };
      case 3:
        return { call: "symlink", path, target: this.#random.pick(NAMES) };
      case 4:
        return { call: "link", existing: path, path: other };
      case 5:
        return { call: "rename", from: path, to: other };
      case 6:
        return { call: "remove", path };
      case 7:
        return { call: "chmod", path, mode: this.#random.pick([0o600, 0o644, 0o755]) };
      case 8:
        return { call: "stat", path };
      default:
        return { call: "readdir", path: this.#directory.path };
    }
  }

  #path(): string {
    const [name, below] = [this.#random.pick(NAMES), this.#random.pick(NAMES)];
    return `${this.#directory.path}/${this.#random.chance(0.3) ? `${name}/${below}` : name}`;
  }
}

function refusalOf(error: unknown): NameOutput | undefined {
  return isDidafsError(error) && isNameCode(error.code) ? { refused: error.code } : undefined;
}

async function perform(cluster: ClusterClient, input: NameInput): Promise<NameOutput> {
  switch (input.call) {
    case "create": {
      const file = await cluster.open(input.path, { create: "exclusive", size: input.size });
      await file.close();
      return { done: true };
    }
    case "mkdir":
      await cluster.mkdir(input.path);
      return { done: true };
    case "symlink":
      await cluster.symlink(input.target, input.path);
      return { done: true };
    case "link":
      await cluster.link(input.existing, input.path);
      return { done: true };
    case "rename":
      await cluster.rename(input.from, input.to);
      return { done: true };
    case "remove":
      await cluster.remove(input.path);
      return { done: true };
    case "chmod":
      await cluster.setAttributes(input.path, { mode: input.mode });
      return { done: true };
    case "stat": {
      const { type, size, mode, nlink } = await cluster.stat(input.path, { follow: false });
      return { stat: { type, size, mode, nlink } };
    }
    case "readdir": {
      const names: string[] = [];
      for await (const { name } of cluster.readdir(input.path)) names.push(name);
      return { names };
    }
  }
}
