import { test } from "node:test";
import { announce, FRAMES_MIN, SEED, secondsOf, timeoutOf } from "./budget.ts";
import { attackLive } from "./live/run.ts";

test("a real target under attack over unix sockets", timeoutOf("live-unix"), async (context) => {
  announce(context, "live-unix");
  await attackLive({
    kind: "unix",
    seed: SEED,
    seconds: secondsOf("live-unix"),
    framesMin: FRAMES_MIN,
    say: (line) => context.diagnostic(line),
  });
});
