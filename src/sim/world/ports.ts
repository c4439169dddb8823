import type { Logger } from "../../std/logger.ts";
import type { SimClock } from "../clock.ts";
import type { HostNetwork } from "../host-network.ts";
import type { SimMemory } from "../memory.ts";
import type { SimProcesses } from "../processes.ts";
import type { SimRandom } from "../random.ts";

/** Of every simulated cluster: what origins prove, and what services prove. */
export const KEY: Uint8Array = new Uint8Array(32).fill(5);
export const SERVICE_KEY: Uint8Array = new Uint8Array(32).fill(6);
/** The user that all processes run as. */
export const UID = 1000;

/** What one life of a process gets of the simulation. */
export interface ProcessPorts {
  readonly clock: SimClock;
  readonly memory: SimMemory;
  readonly random: SimRandom;
  readonly network: HostNetwork;
  readonly processes: SimProcesses;
  readonly log: Logger;
}
