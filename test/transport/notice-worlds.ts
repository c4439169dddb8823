import {
  asleep,
  betweenTheWorkers,
  causes,
  causesAmongOthers,
  fullRing,
  twoProducers,
  workerBetween,
  workerFirst,
  workerSecond,
} from "./notice-order-worlds.ts";
import type { Scenario } from "./notice-parties.ts";
import {
  goneRoute,
  laneChanges,
  laneLeft,
  opening,
  routes,
  staleRoute,
  tornQueues,
} from "./notice-queue-worlds.ts";

/** What happens on a board, in worlds so small that every state can be looked at; those that take longest come last. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "a lane that changes hands is told by its owner's name": laneChanges,
  "a route leads to the one queue that is meant": routes,
  "what a lane's owner has left is not overwritten by the next one": laneLeft,
  "a full ring refuses, and overwrites nothing": fullRing,
  "who falls asleep is woken, or sees what has come": asleep,
  "a route is of one version": tornQueues,
  "a route to a queue that has gone leads nowhere": goneRoute,
  "what the worker has told before comes before": workerFirst,
  "what the worker tells after it comes after": workerSecond,
  "an effect does not come before its cause": causes,
  "what comes between two of the worker's is told between them": betweenTheWorkers,
  "the worker's comes between its cause and its effect": workerBetween,
  "a queue does not hear what was for the one before": staleRoute,
  "who opens a queue finds the bytes, or is told": opening,
  "an effect does not come before its cause among others": causesAmongOthers,
  "two producers lose nothing, tell nothing twice, and keep their order": twoProducers,
};
