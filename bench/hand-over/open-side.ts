import { openNotifiedSide } from "./notified-side.ts";
import { openRedisSide } from "./redis-side.ts";
import { parametersOf, type Side, type SideSetup, type Way } from "./side.ts";
import { openToldSide } from "./told-side.ts";
import { openZeromqSide } from "./zeromq-side.ts";

const WAYS: Readonly<Record<Way, (setup: SideSetup) => Promise<Side>>> = {
  notified: openNotifiedSide,
  told: openToldSide,
  zeromq: openZeromqSide,
  redis: openRedisSide,
};

export function openSide(setup: SideSetup): Promise<Side> {
  return WAYS[parametersOf(setup).way](setup);
}
