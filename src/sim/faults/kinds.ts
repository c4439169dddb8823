import type { SimRandom } from "../random.ts";
import type { FaultKind } from "../run/options.ts";
import type { World } from "../world/world.ts";

/** Does something to the world, and has it end by itself after a while. */
type Fault = (world: World, random: SimRandom) => void;

/** After this the supervisor starts a process again. */
const RESTART_MS = [10, 5000] as const;
const POWER_MS = [500, 20_000] as const;
/** Some are shorter than any lease, some are longer. */
const PAUSE_MS = [5, 5000] as const;
const LONG_MS = [8000, 25_000] as const;
const LONG_RATE = 0.4;
const SLOW_MS = [500, 10_000] as const;
const SLOWNESS = [2, 20] as const;
const PARTITION_MS = [20, 5000] as const;
const BREAK_MS = [0.005, 20] as const;
const DISK_MS = [500, 10_000] as const;

export const FAULTS: Readonly<Record<FaultKind, Fault>> = {
  killMeta: (world, random) => {
    world.killMeta();
    world.scheduler.at(world.nowMs + random.magnitude(...RESTART_MS), () => world.startMeta());
  },
  killTarget: (world, random) => {
    const place = random.pick(world.targets);
    world.killTarget(place);
    world.scheduler.at(world.nowMs + random.magnitude(...RESTART_MS), () => world.startTarget(place));
  },
  killClient: (world, random) => {
    const place = random.pick(world.clients);
    world.killClient(place);
    world.scheduler.at(world.nowMs + random.magnitude(...RESTART_MS), () => world.startClient(place));
  },
  losePower: (world, random) => losePower(world, random, random.pick(world.machines)),
  pause: (world, random) => {
    const { processes } = world;
    if (processes.length > 0) world.pause(random.pick(processes), durationMs(random, PAUSE_MS));
  },
  slow: (world, random) => {
    const { processes } = world;
    if (processes.length === 0) return;
    const process = random.pick(processes);
    process.slowness = random.magnitude(...SLOWNESS);
    world.note(process.name, `is ${process.slowness.toFixed(1)} times slower`);
    world.scheduler.at(world.nowMs + random.magnitude(...SLOW_MS), () => {
      process.slowness = 1;
    });
  },
  partition: (world, random) => {
    const { machines } = world;
    if (machines.length < 2) return;
    const from = random.chance(0.5) ? random.pick(machines) : world.metaMachine;
    const to = random.pick(machines.filter((machine) => machine !== from));
    const ways = random.chance(0.6) ? [[from, to] as const, [to, from] as const] : [[from, to] as const];
    for (const way of ways) {
      world.note(way[0], `does not reach ${way[1]}`);
      world.weather.cut(...way);
    }
    world.scheduler.at(world.nowMs + durationMs(random, PARTITION_MS), () => {
      for (const way of ways) world.weather.mend(...way);
      world.note(from, `reaches ${to} again`);
    });
  },
  reset: (world, random) => {
    const { processes } = world;
    const streams = processes.length > 0 ? random.pick(processes).network.streams : [];
    for (let count = random.between(1, 3); count > 0 && streams.length > 0; count -= 1) {
      const stream = random.pick(streams);
      // In the middle of what travels over it.
      stream.onNextSend = () =>
        world.scheduler.at(world.nowMs + random.magnitude(...BREAK_MS), () => {
          world.note(`stream ${stream.descriptor}`, "breaks");
          stream.reset();
        });
    }
  },
  storm: (world, random) => {
    world.weather.slowness = random.magnitude(2, 200);
    world.note("network", `is ${world.weather.slowness.toFixed(1)} times slower`);
    world.scheduler.at(world.nowMs + random.magnitude(...SLOW_MS), () => {
      world.weather.slowness = 1;
    });
  },
  fullDisk: (world, random) => {
    const { disk, number } = random.pick(world.targets);
    const metaToo = random.chance(0.3);
    disk.faults.full = true;
    if (metaToo) world.kvDrive.capacityBytes = world.kvDrive.usedBytes;
    world.note(`disk ${number}`, metaToo ? "is full, and that of the metadata" : "is full");
    world.scheduler.at(world.nowMs + random.magnitude(...DISK_MS), () => {
      disk.faults.full = false;
      world.kvDrive.capacityBytes = Number.POSITIVE_INFINITY;
    });
  },
  slowDisk: (world, random) => {
    const { disk, number } = random.pick(world.targets);
    disk.faults.slowness = random.magnitude(2, 200);
    world.kvSlowness = random.magnitude(1, 50);
    world.note(`disk ${number}`, `is ${disk.faults.slowness.toFixed(1)} times slower`);
    world.scheduler.at(world.nowMs + random.magnitude(...DISK_MS), () => {
      disk.faults.slowness = 1;
      world.kvSlowness = 1;
    });
  },
  readErrors: (world, random) => {
    const { disk, number } = random.pick(world.targets);
    disk.faults.readErrorRate = random.magnitude(0.05, 1);
    world.note(`disk ${number}`, "has read errors");
    world.scheduler.at(world.nowMs + random.magnitude(...DISK_MS), () => {
      disk.faults.readErrorRate = 0;
    });
  },
  syncErrors: (world, random) => {
    const { disk, number } = random.pick(world.targets);
    disk.faults.syncErrorRate = random.magnitude(0.1, 1);
    world.note(`disk ${number}`, "fails to sync");
    world.scheduler.at(world.nowMs + random.magnitude(...DISK_MS), () => {
      disk.faults.syncErrorRate = 0;
    });
  },
  writeBack: (world, random) => random.pick(world.targets).disk.writeBack(),
};

/** And has it again after a while. */
export function losePower(world: World, random: SimRandom, machine: string): void {
  world.powerOff(machine);
  world.scheduler.at(world.nowMs + random.magnitude(...POWER_MS), () => world.powerOn(machine));
}

function durationMs(random: SimRandom, usual: readonly [number, number]): number {
  return random.magnitude(...(random.chance(LONG_RATE) ? LONG_MS : usual));
}
