/** A target whose workers answer puts and flushes that have not reached the region's object, only their own memory. */
import { isMainThread } from "node:worker_threads";
import { systemMemory } from "../../../src/system/memory.ts";

if (!isMainThread) {
  Object.assign(systemMemory, { map: systemMemory.mapPrivate.bind(systemMemory) });
}
