import { test } from "node:test";
import { announce, FRAMES_MIN, SEED, secondsOf, timeoutOf } from "./budget.ts";
import { attackLive } from "./live/run.ts";

test("a real target under attack over TCP", timeoutOf("live-tcp"), async (context) => {
  announce(context, "live-tcp");
  await attackLive({
    kind: "tcp",
    seed: SEED,
    seconds: secondsOf("live-tcp"),
    framesMin: FRAMES_MIN,
    say: (line) => context.diagnostic(line),
  });
});
