import type { Focus } from "../../../src/sim/run/options.ts";

/** Bugs to be found, as replacements in production code. */
export interface PlantedBug {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** What the hunt looks at; default: everything. */
  readonly focus?: Focus;
  /** Of one hunt; default 25. */
  readonly seedsMax?: number;
  /** The most seeds that half of the hunts may need. */
  readonly medianMax: number;
}

export interface Patch {
  /** Below `src`. */
  readonly file: string;
  /** Occurs once. */
  readonly from: string;
  readonly to: string;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "a sync is skipped",
    patches: [
      {
        file: "target/drive-syncer.ts",
        from: "this.#drive.syncNames() : this.#drive.sync(descriptor)",
        to: "this.#drive.syncNames() : 0",
      },
    ],
    focus: "flushes",
    medianMax: 8,
  },
  {
    name: "a flush joins the sync that runs already",
    patches: [
      {
        file: "target/stable-flushes.ts",
        from: "region.gathering.push(",
        to: "(region.syncing ? region.waiting : region.gathering).push(",
      },
    ],
    focus: "flushes",
    medianMax: 8,
  },
  {
    name: "a sync that failed counts as done",
    patches: [{ file: "target/stable-flushes.ts", from: "if (errno !== 0) {", to: "if (errno < 0) {" }],
    focus: "drives",
    medianMax: 8,
  },
  {
    name: "a new region's name is not made durable",
    patches: [
      {
        file: "target/region-store.ts",
        from: "await Promise.all([this.#sync.sync(object.descriptor), this.#sync.syncNames()]);",
        to: "await this.#sync.sync(object.descriptor);",
      },
    ],
    focus: "flushes",
    medianMax: 8,
  },
  {
    name: "a range is one byte too short",
    patches: [
      {
        file: "iommu/domain.ts",
        from: "offset > binding.reach - length",
        to: "offset >= binding.reach - length",
      },
    ],
    medianMax: 8,
  },
  {
    name: "a piece goes one byte over its stripe",
    patches: [
      {
        file: "client/stripes.ts",
        from: "Math.min(this.#unit - ((this.start + at) % this.#unit), length)",
        to: "Math.min(this.#unit + 1 - ((this.start + at) % this.#unit), length)",
      },
    ],
    focus: "connections",
    medianMax: 8,
  },
  {
    name: "a word is stored in two halves",
    patches: [
      {
        file: "transport/direct-access.ts",
        from: "    this.#store(word, at, value);\n    if (isWaitedFor(this.#memory.header)) await",
        to: `    this.#memory.i32[at / 4] = Number(BigInt.asIntN(32, BigInt(value)));
    for (let i = 0; i < 60; i += 1) await new Promise((resolve) => setImmediate(resolve));
    this.#memory.i32[at / 4 + 1] = Number(BigInt(value) >> 32n);
    if (isWaitedFor(this.#memory.header)) await`,
      },
    ],
    focus: "connections",
    medianMax: 8,
  },
  {
    name: "the end of a sync wakes nobody",
    patches: [
      {
        file: "target/drive-syncer.ts",
        from: "this.#wakers[this.#queues[i] as number]?.wake();",
        to: "continue;",
      },
    ],
    medianMax: 8,
  },
  {
    name: "a target's former address is told",
    patches: [
      {
        file: "meta/registry.ts",
        from: `this.#targets.set(endpoint.target, {
      endpoint,`,
        to: `this.#targets.set(endpoint.target, {
      endpoint: known?.endpoint ?? endpoint,`,
      },
    ],
    focus: "flushes",
    medianMax: 8,
  },
  {
    name: "inode numbers are given again after a crash",
    patches: [
      {
        file: "meta/store.ts",
        from: "setNextInode(transaction, next + RESERVED_COUNT);",
        to: "setNextInode(transaction, next + 1);",
      },
    ],
    focus: "connections",
    medianMax: 8,
  },
  {
    name: "what was lost on its way counts as not done",
    patches: [
      {
        file: "transport/remote-access.ts",
        from: 'this.link.session.error("unknown")',
        to: 'this.link.session.error("no")',
      },
    ],
    focus: "connections",
    medianMax: 8,
  },
  {
    name: "a directory is removed with what is in it",
    patches: [
      { file: "meta/remove.ts", from: "if (trashed && !recursive)", to: "if (trashed && recursive)" },
    ],
    focus: "connections",
    medianMax: 8,
  },
  {
    name: "a revocation leaves the last generation",
    patches: [{ file: "target/sessions.ts", from: "&& own < gen)", to: "&& own < gen - 1)" }],
    focus: "revocations",
    medianMax: 8,
  },
  {
    name: "a shared lock lets a writer in",
    patches: [
      {
        file: "epoch/lock-request.ts",
        from: "(one.exclusive || other.exclusive)",
        to: "(one.exclusive && other.exclusive)",
      },
    ],
    focus: "locks",
    medianMax: 8,
  },
  {
    name: "a lock on several targets is taken at the first only",
    patches: [
      {
        file: "client/window-locks.ts",
        from: "      held.push({ access, lock });\n",
        to: "      held.push({ access, lock });\n      break;\n",
      },
    ],
    focus: "locks",
    medianMax: 8,
  },
  {
    name: "a lease ends late at its holder",
    patches: [
      {
        file: "client/agent-session.ts",
        from: "if (nowMs >= this.#leaseEndMs) return false;",
        to: "if (nowMs >= this.#leaseEndMs + 4000) return false;",
      },
    ],
    focus: "locks",
    medianMax: 20,
  },
  {
    name: "a lock is released early",
    patches: [
      {
        file: "target/sessions.ts",
        from: "session.leaseEndMs = this.#nowMs + session.leaseMs * LEASE_GRACE;",
        to: "session.leaseEndMs = this.#nowMs + session.leaseMs * 0.4;",
      },
    ],
    focus: "locks",
    medianMax: 20,
  },
  {
    name: "a target grants locks as soon as it runs again",
    patches: [{ file: "target/control.ts", from: "    this.#holdLocks();\n", to: "" }],
    focus: "crashes",
    // A client must be cut off in the few seconds in which its target dies, and nobody else.
    seedsMax: 75,
    medianMax: 40,
  },
  {
    name: "a prepare does not compare versions",
    patches: [
      {
        file: "epoch/epoch-table.ts",
        from: "this.#parts.versionOf(line) !== versions[i]",
        to: "this.#parts.versionOf(line) < (versions[i] as number)",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "a prepare locks only what is written",
    patches: [
      {
        file: "epoch/line-locks.ts",
        from: "shared: [...new Set(reads)].filter((line) => !exclusive.has(line))",
        to: "shared: []",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "who only reads takes no part",
    patches: [
      {
        file: "client/atomic-epoch.ts",
        from: "if (place.reads.length + place.writes.length > 0)",
        to: "if (place.writes.length > 0)",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "lines are free once they are prepared",
    patches: [
      {
        file: "epoch/epoch-table.ts",
        from: "      entry.phase = PHASE.PREPARED;\n",
        to: "      entry.phase = PHASE.PREPARED;\n      this.locks.release(entry.locked);\n",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "who reads a mapping is not told of what epochs are about to write",
    patches: [
      {
        file: "target/region-lines.ts",
        from: "takeLine(this.#words, number);",
        to: "takeLine(new Int32Array(4), number);",
      },
      {
        file: "target/region-lines.ts",
        from: "freeLine(this.#words, number);",
        to: "freeLine(new Int32Array(4), number);",
      },
    ],
    focus: "mapped",
    medianMax: 8,
  },
  {
    name: "the versions that others map are those of before",
    patches: [
      {
        file: "target/region-lines.ts",
        from: "    this.#words = words;\n",
        to: "",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "who reads a mapping takes the versions of other lines",
    patches: [
      {
        file: "transport/mapped-lines.ts",
        from: "const first = Math.floor(at / LINE_BYTES);",
        to: "const first = Math.floor(at / LINE_BYTES) + 1;",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "what is mapped is read though a line of it is taken",
    patches: [
      {
        file: "transport/mapped-lines.ts",
        from: "if (isLineTaken(this.#words, line)) return undefined;",
        to: "void isLineTaken;",
      },
    ],
    focus: "mapped",
    medianMax: 8,
  },
  {
    name: "writes outside of epochs do not count",
    patches: [
      {
        file: "target/execute.ts",
        from: `  region.written(at, bytes);
  return DONE;
}

function accumulate(`,
        to: `  region.watch?.touched(region, at, bytes);
  return DONE;
}

function accumulate(`,
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "writes outside of epochs go to lines that are held",
    patches: [
      {
        file: "target/region-lines.ts",
        from: "if (this.#locks.count === 0) return false;",
        to: "if (this.#locks.count >= 0) return false;",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "an epoch does not read what it wrote",
    patches: [
      {
        file: "client/epoch-buffer.ts",
        from: "part.written.overlay(region.at + offset, into.subarray(start, end));",
        to: "part.written.overlay(region.at + offset + 8, into.subarray(start, end));",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "an origin asks for the decision before all have prepared",
    patches: [
      {
        file: "epoch/commit-coordinator.ts",
        from: "return this.#prepared.size === this.#count;",
        to: "return from === this.#decider;",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "a decision is told before it is synced",
    patches: [
      {
        file: "epoch/epoch-journal.ts",
        from: `      this.#prepared.delete(key);
    }
    this.#wait(key, payload);`,
        to: `      this.#prepared.delete(key);
    }
    this.#wait(key, { ...payload, stable: false });`,
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "who is in doubt is told that it was committed",
    patches: [
      {
        file: "epoch/epoch-table.ts",
        from: `this.#drop(entry);
      this.#answer(asker, EPOCH_ANSWER.ABORTED);
    }
  }

  /** What`,
        to: `this.#drop(entry);
      this.#answer(asker, EPOCH_ANSWER.COMMITTED);
    }
  }

  /** What`,
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "a decision is forgotten before all have finished",
    patches: [
      {
        file: "epoch/epoch-table.ts",
        from: "      this.decisions.add(entry.name, entry.others, nowMs + ASK_AGAIN_MS);\n",
        to: "",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "recovery does not write what was committed",
    patches: [
      {
        file: "target/epoch-recovery.ts",
        from: "for (const one of found) written += await this.#put(one);",
        to: "",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "the log is not told of a flush",
    patches: [
      {
        file: "target/worker-journal.ts",
        from: "if (this.#journal?.noteFlushed(inode, index, one.upTo) === true) one.end = log.end;",
        to: "if (inode >= 0 && index >= 0) one.end = log.start;",
      },
    ],
    focus: "epochs",
    medianMax: 8,
  },
  {
    name: "a worker does not look after a write who waits for it",
    patches: [
      {
        file: "target/worker-region.ts",
        from: "    this.watch?.touched(this, at, length);\n",
        to: "",
      },
    ],
    focus: "waits",
    medianMax: 8,
  },
  {
    name: "who stores to a mapping does not see that somebody waits",
    patches: [
      {
        file: "target/worker-words.ts",
        from: "  publishWaits(watched.header, count);\n",
        to: "",
      },
    ],
    focus: "waits",
    medianMax: 8,
  },
];
