import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { Screen } from "../../src/cli/top/screen.ts";
import { formatCount, formatMs } from "../../src/cli/top/view.ts";

class Terminal extends EventEmitter {
  isTTY = true;
  columns = 10;
  rows = 4;
  text = "";
  raw = false;
  reading = false;
  write(text: string): boolean {
    this.text += text;
    return true;
  }
  setRawMode(raw: boolean): void {
    this.raw = raw;
  }
  resume(): this {
    this.reading = true;
    return this;
  }
  pause(): this {
    this.reading = false;
    return this;
  }
}

function open(more: { output?: boolean; input?: boolean } = {}) {
  const [output, input] = [new Terminal(), new Terminal()];
  output.isTTY = more.output ?? true;
  input.isTTY = more.input ?? true;
  let quits = 0;
  const screen = new Screen(output, input, () => {
    quits += 1;
  });
  return { screen, output, input, quits: () => quits };
}

test("a terminal shows each text in place, cut to its size, and is given back as it was", () => {
  const { screen, output, input } = open();
  assert.ok(input.raw && input.reading);
  screen.show("a line that is longer\nb\nc\nd\ne");
  const drawn = output.text.slice(output.text.lastIndexOf("\x1b[H"));
  assert.equal(drawn, "\x1b[Ha line tha\x1b[K\r\nb\x1b[K\r\nc\x1b[K\r\n\x1b[J");
  output.columns = 3;
  output.emit("resize");
  assert.ok(output.text.endsWith("\x1b[Ha l\x1b[K\r\nb\x1b[K\r\nc\x1b[K\r\n\x1b[J"));
  screen.close();
  assert.ok(!input.raw && !input.reading);
  assert.ok(output.text.endsWith("\x1b[?25h\x1b[?1049la line that is longer\nb\nc\nd\ne\n"));
  const length = output.text.length;
  screen.close();
  output.emit("resize");
  input.emit("data", Buffer.from("q"));
  assert.equal(output.text.length, length);
});

test("q, Ctrl-C and Ctrl-D end it, other keys do not", () => {
  for (const [keys, expected] of [
    ["q", 1],
    ["Q", 1],
    ["\x03", 1],
    ["\x04", 1],
    ["x", 0],
    ["\x1b[A", 0],
  ] as const) {
    const { screen, input, quits } = open();
    input.emit("data", Buffer.from(keys));
    assert.equal(quits(), expected, JSON.stringify(keys));
    screen.close();
  }
});

test("the end of the process gives the terminal back, once", () => {
  const before = process.listenerCount("exit");
  const { screen, output } = open({ input: false });
  assert.equal(process.listenerCount("exit"), before + 1);
  screen.close();
  assert.equal(process.listenerCount("exit"), before);
  assert.equal(output.text.split("\x1b[?1049l").length, 2);
});

test("what is no terminal gets the plain texts", () => {
  const { screen, output, input } = open({ output: false });
  screen.show("one\ntwo");
  screen.show("three");
  screen.close();
  assert.equal(output.text, "one\ntwo\n\nthree\n\n");
  assert.ok(!input.raw && !input.reading);
});

test("numbers stay short", () => {
  const counts = [0, 0.04, 5.5, 9.96, 999, 999.6, 12_345, 999_499, 999_600, 4_100_000, 2e9];
  assert.deepEqual(counts.map(formatCount), [
    "0",
    "0.0",
    "5.5",
    "10",
    "999",
    "1.00 k",
    "12.3 k",
    "999 k",
    "1.00 M",
    "4.10 M",
    "2.00 G",
  ]);
  const durations = [0.0003, 0.0125, 0.752, 0.9996, 3.414, 12.34, 999, 1200];
  assert.deepEqual(durations.map(formatMs), [
    "0.3 us",
    "12.5 us",
    "752 us",
    "1.00 ms",
    "3.41 ms",
    "12.3 ms",
    "999 ms",
    "1.20 s",
  ]);
});
