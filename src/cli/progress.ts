import { formatBytes } from "./format.ts";

/** Shows how far a copy is. */
export interface Progress {
  /** One more file of `bytes` is to come. */
  expect(bytes: number): void;
  bytes(count: number): void;
  file(): void;
  stop(): void;
}

const NONE: Progress = { expect() {}, bytes() {}, file() {}, stop() {} };
/** The rate shown is that of the last seconds, so that a stall shows. */
const RATE_WINDOW_MS = 3_000;

/** A bar on standard error when that is a terminal and `wanted`, else nothing. */
export async function makeProgress(wanted: boolean): Promise<Progress> {
  if (!wanted || !process.stderr.isTTY) return NONE;
  const { SingleBar, Presets } = await import("cli-progress");
  const bar = new SingleBar(
    {
      format: "{bar} {percentage}% | {done} of {all} | {files} files | {rate}/s",
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      // Signals are the command's own business; it stops the bar when it ends.
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  let [total, done, files, filesTotal] = [0, 0, 0, 0];
  const samples: { atMs: number; done: number }[] = [{ atMs: performance.now(), done: 0 }];
  const payload = () => ({
    done: formatBytes(done),
    all: formatBytes(total),
    files: `${files}/${filesTotal}`,
    rate: formatBytes(rate(samples, done)),
  });
  bar.start(1, 0, payload());
  const show = (): void => bar.update(done, payload());
  return {
    expect(bytes) {
      total += bytes;
      filesTotal += 1;
      bar.setTotal(Math.max(total, 1));
    },
    bytes(count) {
      done += count;
      show();
    },
    file() {
      files += 1;
      show();
    },
    stop: () => bar.stop(),
  };
}

/** Shows how much of what is expected was looked at; more or less may come. */
export async function makeCounter(
  wanted: boolean,
  expected: number,
  what: string,
): Promise<{ add(count: number): void; stop(): void }> {
  if (!wanted || !process.stderr.isTTY) return { add() {}, stop() {} };
  const { SingleBar, Presets } = await import("cli-progress");
  const bar = new SingleBar(
    {
      format: `{bar} {value} ${what}`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  let [done, total] = [0, Math.max(expected, 1)];
  bar.start(total, 0);
  return {
    add(count) {
      done += count;
      if (done > total) {
        total = done;
        bar.setTotal(total);
      }
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

/** Bytes a second over the last seconds; `samples` keeps what that needs. */
function rate(samples: { atMs: number; done: number }[], done: number): number {
  const nowMs = performance.now();
  const last = samples.at(-1);
  if (last === undefined || nowMs - last.atMs > 100) samples.push({ atMs: nowMs, done });
  while (samples.length > 2 && nowMs - (samples[0]?.atMs ?? 0) > RATE_WINDOW_MS) samples.shift();
  const first = samples[0];
  return first === undefined || nowMs === first.atMs
    ? 0
    : ((done - first.done) * 1000) / (nowMs - first.atMs);
}
