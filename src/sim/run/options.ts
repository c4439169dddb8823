import { SimRandom } from "../random.ts";
import type { ClientPlan, Shape, TargetPlan } from "../world/shape.ts";

/** What can happen to a cluster in the phase of faults; how often a minute, 0 for not at all. */
export interface FaultRates {
  readonly killMeta: number;
  readonly killTarget: number;
  readonly killClient: number;
  readonly losePower: number;
  readonly pause: number;
  readonly slow: number;
  readonly partition: number;
  readonly reset: number;
  readonly storm: number;
  readonly fullDisk: number;
  readonly slowDisk: number;
  readonly readErrors: number;
  readonly syncErrors: number;
  readonly writeBack: number;
}

export type FaultKind = keyof FaultRates;

/** How many of each kind of file the clients work on. */
export interface WorkPlan {
  readonly wordFiles: readonly FilePlan[];
  readonly cellFiles: readonly FilePlan[];
  readonly lockFiles: readonly FilePlan[];
  readonly epochFiles: readonly EpochPlan[];
  readonly waitFiles: readonly FilePlan[];
  /** Directories that clients make and remove names in. */
  readonly directories: number;
  /** How often a minute a client takes access to a file back. */
  readonly revokes: number;
  /** Files with bytes that clients tell each other of. */
  readonly noticeFiles: readonly FilePlan[];
  /** Between two bursts of a worker. */
  readonly pauseMs: number;
}

export interface FilePlan {
  /** `mixed`: windows of either kind, one after the other. */
  readonly sharing: "managed" | "raw" | "mixed";
  readonly targets: number;
  readonly drive: "file" | "memory";
}

/** What all epochs on a file ask for. */
export interface EpochPlan extends FilePlan {
  readonly atomicity: "all" | "none";
  /** Under `exclusive` those that only read are `shared`, unless `readers` says otherwise. */
  readonly isolation: "none" | "shared" | "exclusive" | "serializable";
  /** `sequential` with atomicity `none` only. */
  readonly consistency: "relaxed" | "release" | "sequential";
  /** `none` with atomicity and isolation `none` and consistency `relaxed` only. */
  readonly durability: "none" | "memory" | "stable";
  readonly readers?: "none" | "exclusive";
  /** Words are changed by no epoch, too, where epochs lock them: by somebody who does not. */
  readonly unlocked?: boolean;
  /** With atomicity `none`: how long bodies wait for a write before they give it up and go on. */
  readonly patienceMs?: number;
  /** Words are looked at by no epoch, too. */
  readonly looks?: boolean;
  /** The consistency that their single accesses are held against, where it is not their own. */
  readonly judgedAs?: "sequential";
}

/** What runs look at: all that can happen, or more often and for less time at one thing. */
export const FOCUSES = [
  "everything",
  "flushes",
  "drives",
  "connections",
  "revocations",
  "locks",
  "crashes",
  "epochs",
  "mapped",
  "waits",
  "notifications",
  "boards",
] as const;

export type Focus = (typeof FOCUSES)[number];

/** All that is drawn before a run begins. */
export interface RunOptions {
  readonly seed: number;
  readonly focus: Focus;
  readonly shape: Shape;
  readonly faultMs: number;
  readonly faults: FaultRates;
  /** How often a machine loses power right behind a flush to it: then nothing else has made the bytes durable. */
  readonly lossRateAfterFlush: number;
  readonly work: WorkPlan;
}

/** How often a minute each kind of fault comes, where it comes. */
const USUAL: FaultRates = {
  killMeta: 8,
  killTarget: 4,
  killClient: 2,
  losePower: 4,
  pause: 4,
  slow: 2,
  partition: 6,
  reset: 40,
  storm: 2,
  fullDisk: 2,
  slowDisk: 2,
  readErrors: 2,
  syncErrors: 6,
  writeBack: 30,
};

export function drawOptions(seed: number, focus: Focus = "everything"): RunOptions {
  return focused(drawAll(seed), focus);
}

const NO_FAULTS = Object.fromEntries(Object.keys(USUAL).map((kind) => [kind, 0])) as unknown as FaultRates;
const SHORT_MS = 6000;

function focused(options: RunOptions, focus: Focus): RunOptions {
  if (focus === "everything") return options;
  const { faults, work, shape } = options;
  const short = { ...options, focus, faultMs: SHORT_MS };
  if (focus === "connections") {
    const directories = Math.max(work.directories, 1);
    return {
      ...short,
      faults: { ...NO_FAULTS, reset: 150, killMeta: 10 },
      lossRateAfterFlush: 0,
      work: { ...work, directories, revokes: 0, pauseMs: 1000 },
    };
  }
  if (focus === "locks") return onLocks(short, { killClient: 2, partition: 60 });
  if (focus === "crashes") return onLocks(short, { killTarget: 15, losePower: 20, partition: 40 });
  if (focus === "epochs") return onEpochs(short);
  if (focus === "mapped") return onMappedEpochs(short);
  if (focus === "waits") return onWaits(short);
  if (focus === "notifications") return onNotifications(short);
  if (focus === "boards") return onBoards(onNotifications(short));
  if (focus === "revocations") {
    const often = { ...work, revokes: 40, pauseMs: 1000 };
    return { ...short, faults: NO_FAULTS, lossRateAfterFlush: 0, work: often };
  }
  const onFile = (file: FilePlan): FilePlan => ({ ...file, drive: "file", targets: 1 });
  return {
    ...short,
    shape: { ...shape, targets: shape.targets.map((target) => ({ ...target, pace: 10 })) },
    faults: { ...NO_FAULTS, syncErrors: focus === "drives" ? 40 : 0, killTarget: faults.killTarget },
    lossRateAfterFlush: 0.15,
    work: {
      wordFiles: work.wordFiles.map(onFile),
      cellFiles: work.cellFiles.map(onFile),
      lockFiles: [],
      epochFiles: [],
      waitFiles: [],
      directories: 0,
      revokes: 0,
      noticeFiles: [],
      pauseMs: 1000,
    },
  };
}

/** Clients on several machines lock ranges of one file, and what happens to them is what locks must outlast. */
function onLocks(options: RunOptions, faults: Partial<FaultRates>): RunOptions {
  const { work, shape } = options;
  const machines = Math.max(shape.machines, 2);
  const clients = shape.clients.map((client, i) => ({ ...client, machine: i % machines, leaseMs: 5000 }));
  const targets = shape.targets.map((target) => ({ ...target, drive: "file" as const }));
  const sharing = work.lockFiles[0]?.sharing ?? "managed";
  return {
    ...options,
    faultMs: 4 * SHORT_MS,
    shape: { ...shape, machines, clients, targets },
    faults: { ...NO_FAULTS, ...faults },
    lossRateAfterFlush: 0,
    work: {
      wordFiles: [],
      cellFiles: [],
      lockFiles: [{ sharing, targets: targets.length, drive: "file" }],
      epochFiles: [],
      waitFiles: [],
      directories: 0,
      revokes: 0,
      noticeFiles: [],
      pauseMs: 300,
    },
  };
}

/** Clients on several machines commit epochs on one file that lies on several targets, and all of these may fail. */
function onEpochs(options: RunOptions): RunOptions {
  const { work, shape } = options;
  const machines = Math.max(shape.machines, 2);
  const clients = shape.clients.map((client, i) => ({ ...client, machine: i % machines, leaseMs: 5000 }));
  const [first] = shape.targets;
  const targets = [...shape.targets, ...(shape.targets.length === 1 ? [first as TargetPlan] : [])].map(
    (target) => ({ ...target, drive: "file" as const }),
  );
  const usual = { atomicity: "all", isolation: "serializable", consistency: "release" } as const;
  const plan = work.epochFiles.find(({ atomicity }) => atomicity === "all") ?? usual;
  return {
    ...options,
    faultMs: 4 * SHORT_MS,
    shape: { ...shape, machines, clients, targets },
    faults: {
      ...NO_FAULTS,
      killClient: 4,
      killTarget: 6,
      killMeta: 2,
      losePower: 4,
      partition: 10,
      reset: 10,
    },
    lossRateAfterFlush: 0.05,
    work: {
      wordFiles: [],
      cellFiles: [],
      lockFiles: [],
      epochFiles: [
        { ...plan, sharing: "managed", targets: targets.length, drive: "file", durability: "stable" },
      ],
      waitFiles: [],
      directories: 0,
      revokes: 0,
      noticeFiles: [],
      pauseMs: 200,
    },
  };
}

/**
 * Clients on the machine of the targets read their mappings in epochs, beside others that are not there. Nothing is validated: so
 * nothing but the reads themselves keeps an epoch whole.
 */
function onMappedEpochs(options: RunOptions): RunOptions {
  const epochs = onEpochs(options);
  const { shape, work } = epochs;
  const clients = shape.clients.map((client, i) => {
    const isThere = i % 2 === 0;
    return { ...client, machine: isThere ? 0 : 1, transport: isThere ? ("auto" as const) : client.transport };
  });
  const targets = shape.targets.map((target) => ({ ...target, machine: 0 }));
  const epochFiles = work.epochFiles.map((plan) => ({ ...plan, isolation: "none" as const }));
  return {
    ...epochs,
    shape: { ...shape, clients, targets },
    faults: NO_FAULTS,
    lossRateAfterFlush: 0,
    work: { ...work, epochFiles },
  };
}

/** Clients here and there hand words round, and what happens to them and to the target keeps them from it for a while. */
function onWaits(options: RunOptions): RunOptions {
  const { shape, work } = options;
  const targets = shape.targets.map((target) => ({ ...target, drive: "file" as const, machine: 0 }));
  const clients = shape.clients.map((client, i) =>
    i === 0 ? { ...client, machine: 0, transport: "auto" as const } : client,
  );
  const sharing = work.wordFiles[0]?.sharing === "managed" ? "managed" : "raw";
  return {
    ...options,
    shape: { ...shape, targets, clients },
    faults: { ...NO_FAULTS, killClient: 4, killTarget: 4, reset: 20, pause: 4, partition: 6 },
    lossRateAfterFlush: 0,
    work: {
      ...work,
      wordFiles: [],
      cellFiles: [],
      lockFiles: [],
      epochFiles: [],
      waitFiles: [{ sharing, targets: targets.length, drive: "file" }],
      noticeFiles: [],
      directories: 0,
      revokes: 0,
      pauseMs: 300,
    },
  };
}

/** Clients here and there tell each other of bytes on several targets, and what happens to all of them keeps them from it for a while. */
function onNotifications(options: RunOptions): RunOptions {
  const { shape, work } = options;
  const [first] = shape.targets;
  const targets = [...shape.targets, ...(shape.targets.length === 1 ? [first as TargetPlan] : [])].map(
    (target) => ({ ...target, drive: "file" as const }),
  );
  const sharing = work.noticeFiles[0]?.sharing ?? "managed";
  return {
    ...options,
    faultMs: 2 * SHORT_MS,
    shape: { ...shape, targets },
    faults: { ...NO_FAULTS, killClient: 4, killTarget: 4, reset: 10, pause: 4, partition: 6 },
    lossRateAfterFlush: 0,
    work: {
      wordFiles: [],
      cellFiles: [],
      lockFiles: [],
      epochFiles: [],
      waitFiles: [],
      directories: 0,
      revokes: 0,
      noticeFiles: [{ sharing, targets: targets.length, drive: "file" }],
      pauseMs: 200,
    },
  };
}

/** The same on one machine, by raw windows. */
function onBoards(options: RunOptions): RunOptions {
  const { shape, work } = options;
  const here = <T>(plan: T) => ({ ...plan, machine: 0 });
  return {
    ...options,
    shape: {
      ...shape,
      machines: 1,
      metaMachine: 0,
      targets: shape.targets.map(here),
      clients: shape.clients.map((client) => ({ ...here(client), transport: "auto" as const })),
    },
    work: { ...work, noticeFiles: work.noticeFiles.map((plan) => ({ ...plan, sharing: "raw" as const })) },
  };
}

function drawAll(seed: number): RunOptions {
  const random = new SimRandom(seed);
  const machines = random.between(1, 3);
  const machine = () => random.between(0, machines - 1);
  const targets: TargetPlan[] = Array.from({ length: random.between(1, 3) }, () => ({
    machine: machine(),
    drive: random.chance(0.12) ? "memory" : "file",
    workers: random.pick([1, 1, 2]),
    pace: random.pick([1, 10]),
  }));
  // Without a file drive nothing can be flushed.
  targets[0] = { ...(targets[0] as TargetPlan), drive: "file" };
  const clients: ClientPlan[] = Array.from({ length: random.between(2, 4) }, () => ({
    machine: machine(),
    transport: random.pick(["auto", "auto", "tcp"] as const),
    leaseMs: random.pick([5000, 10_000]),
    timeoutMs: random.pick([1000, 3000, 10_000]),
  }));
  const shape = {
    machines,
    metaMachine: machine(),
    targets,
    clients,
    bufferBytes: random.pick([4096, 65_536, 262_144]),
    lossRate: random.pick([0, 0, 0.001, 0.01]),
    cutRate: random.pick([0.02, 0.1, 0.5]),
  };
  const faultMs = random.between(5, 25) * 1000;
  const faults = drawFaults(random);
  const lossRateAfterFlush = random.pick([0, 0.05, 0.2]);
  const work = drawWork(random, targets, { ...faults, losePower: faults.losePower + lossRateAfterFlush });
  return { seed, focus: "everything", shape, faultMs, faults, lossRateAfterFlush, work };
}

/** Below `stable` a loss of power may take what was committed: then it is asked for only where there is none. */
function drawEpochs(random: SimRandom, targets: readonly TargetPlan[], { losePower }: FaultRates): EpochPlan {
  const onFile = targets.filter(({ drive }) => drive === "file").length;
  const plan: EpochPlan = {
    drive: "file",
    sharing: "managed",
    targets: random.between(1, onFile),
    atomicity: "all",
    isolation: random.pick(["none", "exclusive", "serializable", "serializable"] as const),
    consistency: random.pick(["relaxed", "release"] as const),
    durability: losePower > 0 ? "stable" : random.pick(["memory", "stable"] as const),
  };
  if (random.chance(0.75)) return plan;
  return {
    ...plan,
    atomicity: "none",
    isolation: random.pick(["none", "exclusive"] as const),
    consistency: random.pick(["relaxed", "release", "sequential"] as const),
  };
}

/** Most kinds of faults are left out of most runs: what few of them do is seen better. */
function drawFaults(random: SimRandom): FaultRates {
  const quiet = random.chance(0.05);
  const rates = Object.entries(USUAL).map(([kind, perMinute]) => [
    kind,
    !quiet && random.chance(0.4) ? perMinute * random.magnitude(0.5, 2) : 0,
  ]);
  return Object.fromEntries(rates);
}

function drawWork(random: SimRandom, targets: readonly TargetPlan[], faults: FaultRates): WorkPlan {
  const file = (): FilePlan => {
    const drive = random.pick(targets).drive;
    const most = targets.filter((target) => target.drive === drive).length;
    return {
      drive,
      targets: random.between(1, most),
      sharing: random.pick(["managed", "raw", "managed", "raw", "mixed"] as const),
    };
  };
  return {
    wordFiles: Array.from({ length: random.between(1, 2) }, file),
    cellFiles: Array.from({ length: random.between(1, 2) }, file),
    lockFiles: Array.from({ length: random.between(0, 1) }, file),
    directories: random.between(0, 3),
    revokes: random.chance(0.5) ? random.between(2, 10) : 0,
    pauseMs: random.pick([2000, 5000, 10_000]),
    epochFiles: Array.from({ length: random.between(0, 1) }, () => drawEpochs(random, targets, faults)),
    // The last to be drawn, so that all else is what it was before there were waits.
    waitFiles: Array.from({ length: random.between(0, 1) }, file),
    // The last to be drawn, so that all else is what it was before there were notifications.
    noticeFiles: Array.from({ length: random.between(0, 1) }, file),
  };
}
