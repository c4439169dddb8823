import { createInterface } from "node:readline";
import { connect, type DidafsWindow, isDidafsError } from "../../src/index.ts";

/** Reads and writes two files, one raw and one managed, through windows and views, until it is told to stop. */
const [, , url, rawPath, managedPath] = process.argv as string[];
const say = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
const counts = { done: 0, refused: 0, lost: 0, detached: 0 };
const PIECE = 3000;
const piece = new Uint8Array(PIECE).fill(1);

function attempt(body: () => void): void {
  try {
    body();
    counts.done += 1;
  } catch (error) {
    if (isDidafsError(error, "ERR_RANGE")) counts.refused += 1;
    // Timed out: it was stopped while it waited for an answer.
    else if (isDidafsError(error, "ERR_SESSION_LOST", "ERR_TIMEOUT")) counts.lost += 1;
    else throw error;
  }
}

function use(window: DidafsWindow, views: readonly Uint8Array[], round: number): void {
  const at = (round * 7919 * 8) % (window.length - PIECE);
  attempt(() => window.getSync(at, piece));
  attempt(() => window.putSync(at, piece));
  attempt(() => window.loadBigSync(at));
  attempt(() => window.fetchAddSync(at, 1n));
  for (const view of views) {
    if (view.length === 0) counts.detached += 1;
    else view[(round * 4099) % view.length] = (view[(round * 127) % view.length] as number) + 1;
  }
}

const cluster = await connect(url as string, { transport: "direct" });
const windows: { window: DidafsWindow; views: Uint8Array[] }[] = [];
for (const [path, sharing] of [
  [rawPath as string, "raw"],
  [managedPath as string, "managed"],
] as const) {
  const file = await cluster.open(path);
  const window = await file.window({ rights: "rw", sharing });
  const { stripeUnit, regions } = file.layout;
  // A view in each region.
  const views = regions.map((_, i) =>
    regions.length === 1 ? window.view(0, window.length) : window.view(i * stripeUnit, stripeUnit),
  );
  windows.push({ window, views });
}
let told = "";
createInterface({ input: process.stdin }).on("line", (line) => {
  told = line;
});
say("ready");
for (let round = 0; told !== "stop"; round += 1) {
  for (const { window, views } of windows) use(window, views, round);
  if (told === "count") {
    say(counts);
    told = "";
  }
  if (round % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
}
await cluster.close();
say(counts);
process.exit(0);
