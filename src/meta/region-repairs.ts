import type { Channel } from "../rpc/handlers.ts";
import { DidafsError } from "../std/errors.ts";
import { regionBytes } from "../structs/striping.ts";
import type { Layout, Problem, Result } from "../wire/control.ts";
import type { Inode } from "./inode-record.ts";
import { removalKey } from "./keys.ts";
import type { OpenFiles } from "./open-files.ts";
import type { TargetRegistry } from "./registry.ts";
import type { Resizer } from "./resizer.ts";
import type { MetaStore } from "./store.ts";
import { findInode } from "./tables.ts";

const CALL_TIMEOUT_MS = 10_000;

type RegionProblem = Extract<Problem, { kind: `${string}-region` }>;
type Audited = Result<"region.audit">["regions"][number];
type Repaired = Result<"meta.repair">;
/** What is there, and how it is put right; undefined where nothing is wrong. */
type Diagnosis = { readonly fix: () => Promise<unknown> } | { readonly refusal: string } | undefined;

const LOST = "the bytes are lost; copy the file again from its source";

export interface RepairParts {
  readonly store: MetaStore;
  readonly registry: TargetRegistry;
  readonly openFiles: OpenFiles;
  readonly resizer: Resizer;
}

/** Looks at regions on their targets, and puts right what is wrong there. */
export class RegionRepairs {
  readonly #parts: RepairParts;

  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** @throws ERR_UNREACHABLE, ERR_TIMEOUT and what else targets raise */
  async repair(problem: RegionProblem, apply: boolean): Promise<Repaired> {
    return this.#parts.resizer.alone(problem.inode, async () => {
      const diagnosis = await this.#diagnose(problem);
      if (diagnosis === undefined) return { state: "gone" };
      if (!apply) return { state: "found" };
      if ("refusal" in diagnosis) return { state: "refused", reason: diagnosis.refusal };
      await diagnosis.fix();
      return { state: "repaired" };
    });
  }

  async #diagnose(problem: RegionProblem): Promise<Diagnosis> {
    const { kind, target, inode, index } = problem;
    const channel = this.#channel(target);
    // The target first: a region of a file that is removed meanwhile is there for longer than the file.
    const region = await audited(channel, problem);
    const { store, openFiles } = this.#parts;
    const { record, isNoted } = store.read((reader) => ({
      record: findInode(reader, inode),
      isNoted: reader.get(removalKey(target, inode, index)) !== undefined,
    }));
    if (isNoted) return undefined;
    const here = record?.layout?.regions[index]?.target === target;
    // A file without a name goes with its last user.
    const isKept = record !== undefined && record.nlink > 0;
    switch (kind) {
      case "orphan-region":
        // A file that is just being made is held, and has regions before it has an inode.
        if (region === undefined || record !== undefined || openFiles.isOpen(inode)) return undefined;
        return { fix: () => remove(channel, problem) };
      case "misplaced-region":
        if (region === undefined || record === undefined || here) return undefined;
        return this.#misplaced(problem, record, () => remove(channel, problem));
      case "missing-region":
        return here && isKept && region === undefined ? { refusal: LOST } : undefined;
      case "unusable-region":
        return region?.fault === undefined ? undefined : { refusal: region.fault };
      case "short-region":
      case "long-region":
        return here ? this.#lengthOf(problem, record, region, channel) : undefined;
    }
  }

  /** It may only go where the right one is there. */
  async #misplaced(
    { inode, index }: RegionProblem,
    { layout }: Inode,
    fix: () => Promise<unknown>,
  ): Promise<Diagnosis> {
    const home = layout?.regions[index]?.target;
    if (home === undefined) return { fix };
    const there = await audited(this.#channel(home), { inode, index });
    if (there !== undefined && there.fault === undefined) return { fix };
    return { refusal: `target ${home}, where it belongs, has no sound one: this may be the only copy` };
  }

  #lengthOf(
    { kind, inode, index }: RegionProblem,
    record: Inode | undefined,
    region: Audited | undefined,
    channel: Channel,
  ): Diagnosis {
    if (record?.layout === undefined || region?.byteLength === undefined) return undefined;
    const { leastBytes, mostBytes } = regionBounds(record.size, record.extent, record.layout, index);
    if (kind === "short-region")
      return record.nlink > 0 && region.byteLength < leastBytes ? { refusal: LOST } : undefined;
    if (region.byteLength <= mostBytes) return undefined;
    const params = { inode, index, byteLength: mostBytes };
    return {
      fix: async () => {
        const { openFiles } = this.#parts;
        openFiles.hold(inode);
        try {
          await channel.call("region.resize", params, { timeoutMs: CALL_TIMEOUT_MS });
        } finally {
          openFiles.release(inode);
        }
      },
    };
  }

  #channel(target: string): Channel {
    const channel = this.#parts.registry.channelOf(target);
    if (channel !== undefined) return channel;
    throw new DidafsError("ERR_UNREACHABLE", `target ${target} is down`, { target });
  }
}

/** A file's size says how long a region is at least, its extent how long it is at most. */
export function regionBounds(
  size: number,
  extent: number,
  { stripeUnit, regions }: Layout,
  index: number,
): { leastBytes: number; mostBytes: number } {
  const bytesOf = (bytes: number): number => regionBytes(bytes, stripeUnit, regions.length, index);
  return { leastBytes: bytesOf(size), mostBytes: bytesOf(extent) };
}

async function audited(
  channel: Channel,
  { inode, index }: { inode: number; index: number },
): Promise<Audited | undefined> {
  const params = { only: { inode, index }, limit: 1 };
  const { regions } = await channel.call("region.audit", params, { timeoutMs: CALL_TIMEOUT_MS });
  return regions.find((region) => region.inode === inode && region.index === index);
}

function remove(channel: Channel, { inode, index }: RegionProblem): Promise<unknown> {
  return channel.call("region.remove", { inode, index }, { timeoutMs: CALL_TIMEOUT_MS });
}
