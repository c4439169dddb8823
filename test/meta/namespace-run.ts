import assert from "node:assert/strict";
import { type ModelNode, Refused } from "../../src/sim/checkers/model-tree.ts";
import { NamespaceModel } from "../../src/sim/checkers/namespace-model.ts";
import { type DidafsError, isDidafsError } from "../../src/std/errors.ts";
import { regionBytes } from "../../src/structs/striping.ts";
import type { EngineHome } from "./engine-homes.ts";
import { FakeTarget, type Origin, World } from "./harness.ts";
import { CLIENT_COUNT, type ClientCall, type Command, TARGET_COUNT } from "./namespace-commands.ts";
import { type PathCall, type Plan, planOf, planPath } from "./namespace-plan.ts";

/** Longer than two leases of the metadata service: nobody who still wants an orphan has not said so by then. */
const PATIENCE_MS = 25_000;
const BEAT_MS = 1000;

/** A metadata service and its model, which the same commands are given to. */
export class NamespaceRun {
  #model = new NamespaceModel();
  readonly #world: World;
  readonly #endings: readonly (() => Promise<void>)[];
  #targets: FakeTarget[] = [];
  #clients: Origin[] = [];

  private constructor(world: World, endings: readonly (() => Promise<void>)[]) {
    this.#world = world;
    this.#endings = endings;
  }

  /** @param seed of the network */
  static async start(home: EngineHome, seed: number): Promise<NamespaceRun> {
    const endings: (() => Promise<void>)[] = [];
    const after = (ending: () => Promise<void>) => endings.push(ending);
    const run = new NamespaceRun(await World.open({ after }, seed, home), endings);
    for (let number = 1; number <= TARGET_COUNT; number += 1) {
      run.#targets.push(await new FakeTarget(run.#world, number).register());
    }
    for (let client = 0; client < CLIENT_COUNT; client += 1) run.#clients.push(await run.#world.origin());
    return run;
  }

  async end(): Promise<void> {
    for (const ending of this.#endings) await ending();
  }

  async do(command: Command): Promise<void> {
    if (command.kind === "call") await this.#call(command.call);
    else if (command.kind === "crash") await this.#crash(command);
    else {
      this.#clients[command.client]?.leave();
      this.#model.closeAll(command.client);
      this.#clients[command.client] = await this.#world.origin();
    }
  }

  /** The whole tree; and once nothing is under way any more, the regions: those of the living files and no others. */
  async check(): Promise<void> {
    await this.#sameTree(this.#model);
    for (let ms = 0; ms < PATIENCE_MS; ms += BEAT_MS) {
      for (const target of this.#targets) await target.beat();
      for (const client of this.#clients) await client.call("meta.renew", {});
      await this.#world.settle(BEAT_MS);
    }
    this.#model.mayHoldMore = false;
    await this.#call({ client: 0, of: { call: "statfs" } });
    await this.#sameTree(this.#model);
    this.#sameRegions();
    const faults = this.#world.log.complaints.filter(({ level }) => level === "error");
    assert.deepEqual(faults, []);
  }

  async #call(call: ClientCall): Promise<void> {
    const plan = planOf(call, this.#model);
    if (plan === undefined) return;
    const answer = plan.begin(this.#clients[call.client] as Origin);
    this.#model = this.#judged(await outcomeOf(this.#world.done(answer)), plan);
  }

  /** The model after a call that was answered. */
  #judged(outcome: Outcome, plan: Plan): NamespaceModel {
    const after = this.#model.fork();
    if ("check" in outcome) {
      const refusal = refusalOf(() => outcome.check(after));
      assert.equal(refusal, undefined, `succeeded, though ${refusal?.message}`);
      return after;
    }
    const { code, message } = outcome.error;
    const refusal = refusalOf(() => plan.apply(after));
    assert.ok(refusal?.codes.includes(code), `${refusal?.message ?? "possible"}, but: ${code} ${message}`);
    return this.#model;
  }

  async #crash({ during, steps, keep }: Command & { kind: "crash" }): Promise<void> {
    const plan = during && planOf(during, this.#model);
    let outcome: Outcome | undefined;
    const answer = plan && outcomeOf(plan.begin(this.#clients[during.client] as Origin));
    void answer?.then((settled) => {
      outcome = settled;
    });
    for (let step = 0; step < steps; step += 1) await this.#world.step();
    const answered = outcome;
    for (const party of [...this.#targets, ...this.#clients]) party.leave();
    await this.#world.restart();
    const possible = this.#possible(plan, answered);
    for (const model of possible) {
      model.mayHoldMore = true;
      if (!keep) model.handles = [];
    }
    for (const target of this.#targets) await target.register();
    // A close that was not answered is none: the client still says that it has the file open.
    const [{ handles }] = possible;
    for (const client of this.#clients.keys()) {
      const open = handles
        .filter((handle) => handle.client === client)
        .map(({ node }) => node.inode as number);
      this.#clients[client] = await this.#world.origin(open);
    }
    this.#model = await this.#actual(possible);
  }

  /** What a crash may have left: a call that was not answered by then has happened, or has not. */
  #possible(plan: Plan | undefined, answered: Outcome | undefined): [NamespaceModel, ...NamespaceModel[]] {
    if (plan === undefined) return [this.#model.fork()];
    if (answered !== undefined && !isCutOff(answered)) return [this.#judged(answered, plan).fork()];
    const after = this.#model.fork();
    if (refusalOf(() => plan.apply(after)) !== undefined) return [this.#model.fork()];
    // Whoever asked for it to be opened never learned that it was.
    after.handles.length = Math.min(after.handles.length, this.#model.handles.length);
    const before = this.#model.fork();
    for (const model of [before, after]) plan.tear?.(model);
    return [before, after];
  }

  async #actual(possible: readonly NamespaceModel[]): Promise<NamespaceModel> {
    const differences: unknown[] = [];
    for (const model of possible) {
      try {
        await this.#sameTree(model);
        return model;
      } catch (error) {
        differences.push(error);
      }
    }
    if (differences.length === 1) throw differences[0];
    throw new AggregateError(differences, "after a crash: neither with the call under way nor without it");
  }

  async #sameTree(model: NamespaceModel): Promise<void> {
    const [client] = this.#clients as [Origin];
    const plans = [...model.tree()].flatMap(([path, node]) => looksAt(path, node));
    const checks = plans.map((plan) => plan.begin(client));
    for (const check of await this.#world.done(Promise.all(checks))) check(model);
    const files = new Map<number | undefined, ModelNode>();
    for (const [path, node] of model.tree()) {
      assert.ok((files.get(node.inode) ?? node) === node, `${path} has the number of another file`);
      files.set(node.inode, node);
    }
  }

  #sameRegions(): void {
    const found = new Map<string, number>(
      this.#targets.flatMap(({ id, regions }) =>
        [...regions].map(([name, byteLength]) => [`${id} ${name}`, byteLength] as const),
      ),
    );
    const expected = new Map<string, number | undefined>();
    for (const { inode, layout, size, torn } of this.#model.living()) {
      for (const [index, { target }] of layout?.regions.entries() ?? []) {
        const name = `${target} ${inode}.${index}`;
        const { stripeUnit, regions } = layout as NonNullable<typeof layout>;
        const byteLength = regionBytes(size, stripeUnit, regions.length, index);
        expected.set(name, torn ? found.get(name) : byteLength);
      }
    }
    assert.deepEqual(found, expected);
  }
}

type Outcome = { readonly check: (model: NamespaceModel) => void } | { readonly error: DidafsError };

async function outcomeOf(answer: ReturnType<Plan["begin"]>): Promise<Outcome> {
  try {
    return { check: await answer };
  } catch (error) {
    if (isDidafsError(error)) return { error };
    throw error;
  }
}

/** Everything that can be asked about one name. */
function looksAt(path: string, { type, xattrs }: ModelNode): Plan[] {
  const about = { path, follow: false };
  const calls: PathCall[] = [
    { call: "stat", ...about },
    { call: "listxattr", ...about },
    ...[...xattrs.keys()].map((name) => ({ call: "getxattr" as const, ...about, name })),
  ];
  if (type === "directory") calls.push({ call: "readdir", path });
  if (type === "symlink") calls.push({ call: "readlink", path });
  return calls.map(planPath);
}

function isCutOff(outcome: Outcome): boolean {
  return "error" in outcome && isDidafsError(outcome.error, "ERR_UNREACHABLE", "ERR_CLOSED");
}

function refusalOf(body: () => void): Refused | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}
