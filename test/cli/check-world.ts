import { type Examined, examine } from "../../src/cli/check/examine.ts";
import type { KvTransaction } from "../../src/ports/kv.ts";
import type { Method, Params, Result } from "../../src/wire/control.ts";
import { type Ending, FakeTarget, type Origin, World } from "../meta/harness.ts";

/** A cluster of two targets that keep lengths, with a few files, and a look at it as `didafs check` takes it. */
export class CheckWorld {
  readonly world: World;
  readonly origin: Origin;
  readonly targets: readonly [FakeTarget, FakeTarget];

  private constructor(world: World, origin: Origin, targets: readonly [FakeTarget, FakeTarget]) {
    this.world = world;
    this.origin = origin;
    this.targets = targets;
  }

  static async open(context: Ending): Promise<CheckWorld> {
    const world = await World.open(context);
    const targets = [
      await new FakeTarget(world, 1).register(),
      await new FakeTarget(world, 2).register(),
    ] as const;
    const origin = await world.origin();
    await origin.mkdir("/d");
    await origin.mkdir("/d/e");
    await origin.create("/d/f", { size: 100_000, stripeUnit: 4096, targets: 2 });
    await origin.create("/g", { size: 5000, targets: 1 });
    await origin.symlink("d/f", "/link");
    await origin.call("meta.link", { existing: "/g", path: "/d/g2" });
    await origin.call("meta.setxattr", {
      path: "/g",
      follow: true,
      name: "user.a",
      value: "AA==",
      mode: "set",
    });
    // Nobody has anything open.
    origin.leave();
    await world.settle();
    return new CheckWorld(world, await world.origin(), targets);
  }

  /** The same cluster after a restart of its service. */
  static around({ world, targets }: CheckWorld, origin: Origin): CheckWorld {
    return new CheckWorld(world, origin, targets);
  }

  async inode(path: string): Promise<number> {
    return (await this.origin.stat(path, false)).inode;
  }

  /** Changes the metadata behind the service's back. */
  async edit(body: (transaction: KvTransaction) => void): Promise<void> {
    await this.world.done(this.world.engine.transact(body));
  }

  /** @param between is done before each call */
  async look(
    options: { below?: number | undefined; between?: (method: Method) => Promise<unknown> } = {},
  ): Promise<Examined> {
    const { below, between } = options;
    const call = async <M extends Method>(method: M, params: Params<M>): Promise<Result<M>> => {
      await between?.(method);
      return this.origin.call(method, params);
    };
    const cluster = { id: this.world.service.id, call, status: () => call("meta.status", {}) };
    return this.world.done(examine({ cluster, call: {}, below, dir: undefined, onPage: () => {} }));
  }

  async kinds(): Promise<string[]> {
    return kindsOf(await this.look());
  }

  /** Repairs what can be, in order. @returns why what was not */
  async repair({ found }: Examined): Promise<string[]> {
    const refused: string[] = [];
    for (const { repair } of found) {
      const why = await this.world.done((async () => repair?.())());
      if (why !== undefined) refused.push(why);
    }
    return refused;
  }
}

export function kindsOf({ found }: Examined): string[] {
  return found.map(({ finding }) => finding.kind).sort();
}
