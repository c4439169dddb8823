import { createLogger, type Logger } from "../../std/logger.ts";
import { SimClock } from "../clock.ts";
import { SimDisk } from "../disk.ts";
import { HostNetwork } from "../host-network.ts";
import { SimKvDrive } from "../kv-engine.ts";
import { SimLeases } from "../lease-record.ts";
import { SimMemory } from "../memory.ts";
import { SimNetwork } from "../network.ts";
import { type DiskLoss, joinedLoss } from "../power-losses.ts";
import { SimProcesses } from "../processes.ts";
import { SimRandom } from "../random.ts";
import { SimWeather } from "../weather.ts";
import { ClientProcess } from "./client-process.ts";
import { MetaProcess } from "./meta-process.ts";
import { type ProcessPorts, UID } from "./ports.ts";
import type { SimProcess } from "./process.ts";
import { Scheduler } from "./scheduler.ts";
import { type ClientPlan, machineName, type Shape, type TargetPlan, targetId } from "./shape.ts";
import { TargetProcess } from "./target-process.ts";
import type { Trace } from "./trace.ts";

export interface WorldParts {
  readonly seed: number;
  readonly shape: Shape;
  readonly turn: () => Promise<void>;
  readonly trace: Trace;
  /** Something happened that must not happen. */
  readonly fail: (checker: string, message: string) => void;
}

/** One place for a target through all of its lives. */
interface TargetPlace {
  readonly plan: TargetPlan;
  readonly number: number;
  readonly disk: SimDisk;
  /** Where logs of epochs lie. */
  readonly logs: SimDisk;
  process: TargetProcess | undefined;
  lives: number;
  readonly leases: SimLeases;
  /** As its supervisor has heard it last, in this life. */
  incarnation: string | undefined;
  /** Of the life before, if that has ended for sure. */
  former: string | undefined;
}

/** What an application's process does, from its beginning on. */
export type Program = (client: ClientProcess) => Promise<void>;

interface ClientPlace {
  readonly plan: ClientPlan;
  readonly number: number;
  readonly program: Program;
  process: ClientProcess | undefined;
  lives: number;
}

const DISK_BYTES = 2 ** 30;
const MEMORY_GROWTH_BYTES = 1 << 20;
const LOST_AGAIN_MS = 500;

/** What services log as errors, and drives are the cause of. */
const FORESEEN: ReadonlySet<string> = new Set(["ERR_IO", "ERR_NO_SPACE"]);

/**
 * A cluster in one thread: production code of metadata service, targets and clients on simulated machines. Whoever owns
 * it lets time pass, and does to it what happens to machines, processes and drives.
 */
export class World {
  readonly clock = new SimClock();
  readonly memory = new SimMemory(MEMORY_GROWTH_BYTES);
  readonly weather: SimWeather;
  readonly network: SimNetwork;
  readonly scheduler: Scheduler;
  readonly kvDrive = new SimKvDrive();
  readonly targets: TargetPlace[];
  readonly clients: ClientPlace[] = [];
  readonly trace: Trace;
  /** Commits take so many times as long. */
  kvSlowness = 1;
  meta: MetaProcess | undefined;
  /** Each time that a machine has lost power. */
  readonly powerLosses: DiskLoss[] = [];
  /** Told when a target's machine has lost power. */
  onLoss: (target: string) => void = () => {};
  readonly #parts: WorldParts;
  readonly #random: SimRandom;
  readonly #off = new Set<string>();
  readonly #pids = new SimProcesses();
  readonly #metaAddress: { readonly kind: "tcp"; readonly host: string; readonly port: number };
  /** The faults are over. */
  #healed = false;
  #announced = new WeakSet<SimProcess>();

  constructor(parts: WorldParts) {
    const { seed, shape, trace, turn, fail } = parts;
    this.#parts = parts;
    this.trace = trace;
    this.#random = new SimRandom(seed);
    this.weather = new SimWeather(this.clock, this.#random.fork(), shape.lossRate);
    this.network = new SimNetwork({
      seed: this.#random.next(),
      bufferBytes: shape.bufferBytes,
      cutRate: shape.cutRate,
      credentials: { pid: 1, uid: UID },
      weather: this.weather,
      tap: (from, bytes) => this.note(`stream ${from}`, `sends ${bytes}`),
    });
    this.#metaAddress = { kind: "tcp", host: machineName(shape.metaMachine), port: 1 };
    this.scheduler = new Scheduler({
      clock: this.clock,
      turn,
      stepped: (process, thread, work, late) => {
        if (work > 0) this.note(`${process.name}.${thread.body.name}`, `works ${work}`);
        if (late) fail("wake-ups", `${process.name}.${thread.body.name} had work, and nobody woke it`);
        if (process instanceof TargetProcess) this.#hear(process);
      },
    });
    this.targets = shape.targets.map((plan, number) => ({
      plan,
      number,
      ...this.#disksOf(plan, number),
      process: undefined,
      lives: 0,
      leases: new SimLeases(),
      incarnation: undefined,
      former: undefined,
    }));
  }

  /** Logs lie in files, also where regions lie in memory. */
  #disksOf({ drive: kind, pace }: TargetPlan, number: number): { disk: SimDisk; logs: SimDisk } {
    const random = this.#random.fork();
    const options = { kind, number: number + 1, totalBytes: DISK_BYTES, pace };
    const disk = new SimDisk(this.memory, random, options);
    if (kind === "file") return { disk, logs: disk };
    const logsNumber = number + 1 + this.#parts.shape.targets.length;
    return { disk, logs: new SimDisk(this.memory, random, { ...options, kind: "file", number: logsNumber }) };
  }

  get nowMs(): number {
    return this.clock.nowMs();
  }

  /** All processes that run. */
  get processes(): SimProcess[] {
    const places = [...this.targets, ...this.clients].map(({ process }) => process);
    return [this.meta, ...places].filter(
      (process) => process !== undefined && !process.ended,
    ) as SimProcess[];
  }

  get machines(): string[] {
    return Array.from({ length: this.#parts.shape.machines }, (_, number) => machineName(number));
  }

  /** Where the metadata service is. */
  get metaMachine(): string {
    return this.#metaAddress.host;
  }

  /** Where the target with that identity is. */
  machineOf(target: string): string | undefined {
    const place = this.targets.find(({ number }) => targetId(number) === target);
    return place && machineName(place.plan.machine);
  }

  /** Services first. Resolves when all targets have registered. */
  async startServices(limitMs: number): Promise<void> {
    this.startMeta();
    for (const place of this.targets) this.startTarget(place);
    const ready = await this.scheduler.until(
      () => this.targets.every(({ process }) => process?.control.registered),
      this.nowMs + limitMs,
    );
    if (!ready) this.#parts.fail("progress", `not all targets have registered within ${limitMs} ms`);
  }

  addClient(plan: ClientPlan, program: Program): ClientPlace {
    const place: ClientPlace = { plan, number: this.clients.length, program, process: undefined, lives: 0 };
    this.clients.push(place);
    this.startClient(place);
    return place;
  }

  startMeta(): void {
    if (this.#off.has(this.#metaAddress.host) || this.meta?.ended === false) return;
    const ports = this.#ports("meta", this.#metaAddress.host);
    const meta = new MetaProcess(ports, this.kvDrive, this.#metaAddress, () => this.kvSlowness);
    this.meta = meta;
    this.#start(meta);
    // As its supervisor does where the service could not open its metadata.
    const look = (): void => {
      if (meta.ended) return;
      if (meta.failure === undefined && meta.service === undefined)
        this.scheduler.at(this.nowMs + LOST_AGAIN_MS, look);
      if (meta.failure === undefined) return;
      meta.kill();
      this.startMeta();
    };
    this.scheduler.at(this.nowMs + LOST_AGAIN_MS, look);
  }

  startTarget(place: TargetPlace): void {
    const { plan, number, disk, logs, former } = place;
    const machine = machineName(plan.machine);
    if (this.#off.has(machine) || place.process?.ended === false) return;
    place.lives += 1;
    const shape = {
      id: targetId(number),
      name: `target-${number}`,
      disk,
      logs,
      workers: plan.workers,
      leases: place.leases.record(),
      meta: this.#metaAddress,
    };
    place.incarnation = undefined;
    place.process = new TargetProcess(this.#ports(shape.name, machine), shape, place.lives, former);
    this.#start(place.process);
  }

  startClient(place: ClientPlace): void {
    const { plan, number } = place;
    const machine = machineName(plan.machine);
    if (this.#off.has(machine) || place.process?.ended === false) return;
    place.lives += 1;
    const name = `client-${number}.${place.lives}`;
    const process = new ClientProcess(this.#ports(name, machine), {
      name,
      meta: this.#metaAddress,
      transport: plan.transport,
      leaseMs: plan.leaseMs,
      timeoutMs: plan.timeoutMs,
      idler: {
        yield: () => this.scheduler.meanwhile(this.nowMs + 0.01, () => false),
        waitReadable: (source, timeoutMs) => {
          const readable = source as { readonly readable?: boolean };
          this.scheduler.meanwhile(this.nowMs + timeoutMs, () => readable.readable === true);
        },
      },
    });
    place.process = process;
    this.#start(process);
    place.program(process).catch((error: unknown) => {
      if (!process.ended) this.#parts.fail("program", `${name} failed: ${(error as Error).stack ?? error}`);
    });
  }

  killMeta(): void {
    if (this.meta === undefined || this.meta.ended) return;
    this.note("meta", "is killed");
    this.meta.kill();
  }

  killTarget(place: TargetPlace): void {
    if (place.process === undefined || place.process.ended) return;
    this.note(place.process.name, "is killed");
    place.process.kill();
    for (const disk of new Set([place.disk, place.logs])) disk.processEnded();
    place.former = place.incarnation;
  }

  killClient(place: ClientPlace): void {
    if (place.process === undefined || place.process.ended) return;
    this.note(place.process.name, "is killed");
    place.process.kill();
  }

  /** As SIGSTOP and SIGCONT do. */
  pause(process: SimProcess, ms: number): void {
    this.note(process.name, `stops for ${ms.toFixed(0)} ms`);
    process.pausedUntilMs = Math.max(process.pausedUntilMs, this.nowMs + ms);
    process.pauses += 1;
  }

  /** All is well again: everybody runs, and reaches everybody. What failed to sync serves again in another life. */
  heal(): void {
    this.note("world", "heals");
    this.weather.clear();
    this.kvDrive.capacityBytes = Number.POSITIVE_INFINITY;
    this.kvSlowness = 1;
    for (const machine of [...this.#off]) this.powerOn(machine);
    for (const process of this.processes) {
      process.pausedUntilMs = 0;
      process.slowness = 1;
    }
    for (const place of this.targets) {
      Object.assign(place.disk.faults, { full: false, readErrorRate: 0, syncErrorRate: 0, slowness: 1 });
      if (place.process !== undefined && hasFailedSyncs(place.process)) this.killTarget(place);
    }
    this.startAll();
    this.#healed = true;
  }

  /** All processes of the machine end, and what its disks have not made durable is lost. */
  powerOff(machine: string): void {
    if (this.#off.has(machine)) return;
    this.note(machine, "loses power");
    this.#off.add(machine);
    const fallen = this.processes.filter((process) => process.machine === machine);
    const streams = fallen.flatMap((process) => {
      process.fall();
      return process.network.fall();
    });
    this.network.powerOff(machine, streams);
    const losses: DiskLoss[] = [];
    for (const place of this.targets) {
      if (machineName(place.plan.machine) !== machine) continue;
      for (const disk of new Set([place.disk, place.logs])) {
        disk.processEnded();
        losses.push(disk.losePower());
      }
      place.former = undefined;
      if (place.plan.drive === "file") this.onLoss(targetId(place.number));
    }
    this.powerLosses.push(joinedLoss(losses));
  }

  /** The machine starts, and all that belongs on it. */
  powerOn(machine: string): void {
    if (!this.#off.delete(machine)) return;
    this.note(machine, "has power again");
    this.network.powerOn(machine);
    this.startAll();
  }

  /** What does not run and whose machine does is started. */
  startAll(): void {
    this.startMeta();
    for (const place of this.targets) this.startTarget(place);
    for (const place of this.clients) this.startClient(place);
  }

  #start(process: SimProcess): void {
    this.note(process.name, "starts");
    this.scheduler.add(process);
  }

  #hear(process: TargetProcess): void {
    const { recoveryFailure } = process.control;
    if (recoveryFailure !== undefined) this.#startAgain(process, recoveryFailure.message);
    // Syncs that were under way when all was well again may have failed all the same.
    else if (this.#healed && hasFailedSyncs(process)) this.#startAgain(process, "a sync has failed");
    if (this.#announced.has(process) || !process.control.registered) return;
    this.#announced.add(process);
    const place = this.targets.find((known) => known.process === process);
    if (place !== undefined) place.incarnation = process.control.incarnation;
  }

  /** As its supervisor does where a target could not begin, and an operator where it does not serve all. */
  #startAgain(process: TargetProcess, why: string): void {
    const place = this.targets.find((known) => known.process === process);
    if (place === undefined || process.ended) return;
    this.note(process.name, `ends: ${why}`);
    this.killTarget(place);
    this.scheduler.at(this.nowMs + LOST_AGAIN_MS, () => this.startTarget(place));
  }

  #ports(name: string, machine: string): ProcessPorts {
    return {
      clock: this.clock,
      memory: this.memory,
      random: this.#random.fork(),
      network: new HostNetwork(this.network, machine, this.#pids),
      processes: this.#pids,
      log: this.#logger(name),
    };
  }

  #logger(name: string): Logger {
    return createLogger((level, message, fields) => {
      this.note(name, `${level}: ${message} ${JSON.stringify(fields)}`);
      const isForeseen = message.startsWith("a sync failed") || FORESEEN.has(String(fields.code));
      if (level === "error" && !isForeseen) {
        this.#parts.fail("log", `${name}: ${message} ${JSON.stringify(fields)}`);
      }
    });
  }

  /** Writes into the trace. */
  note(who: string, what: string): void {
    this.trace.line(this.nowMs, who, what);
  }
}

/** What is refused then is served again once the target has started anew. */
function hasFailedSyncs({ control }: TargetProcess): boolean {
  return control.failedRegionCount + control.failedLogCount > 0;
}
