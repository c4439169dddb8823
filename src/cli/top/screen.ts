/** What a screen needs of standard output. */
interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: "resize", hear: () => void): unknown;
  off(event: "resize", hear: () => void): unknown;
}
/** What it needs of standard input. */
interface Input {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: "data", hear: (bytes: Buffer) => void): unknown;
  off(event: "data", hear: (bytes: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
/** q, Q, Ctrl-C and Ctrl-D, as a raw terminal gives them. */
const ENDING: ReadonlySet<string> = new Set(["q", "Q", "\x03", "\x04"]);

/**
 * Shows one text after the other: in a terminal in place, in a screen of its own that `close` gives back; elsewhere below
 * each other.
 */
export class Screen {
  readonly #output: Output;
  readonly #input: Input;
  readonly #isLive: boolean;
  readonly #onQuit: () => void;
  #text = "";
  #closed = false;

  /** @param onQuit somebody at the terminal has had enough */
  constructor(output: Output, input: Input, onQuit: () => void) {
    this.#output = output;
    this.#input = input;
    this.#onQuit = onQuit;
    this.#isLive = output.isTTY === true;
    if (!this.#isLive) return;
    output.write(ENTER);
    output.on("resize", this.#draw);
    // Also where the process ends without closing it.
    process.on("exit", this.#leave);
    if (input.isTTY !== true) return;
    input.setRawMode?.(true);
    input.on("data", this.#key);
    input.resume();
  }

  show(text: string): void {
    this.#text = text;
    if (this.#isLive) this.#draw();
    else this.#output.write(`${text}\n\n`);
  }

  /** Gives the terminal back as it was, with what was shown last. */
  close(): void {
    if (!this.#isLive || this.#closed) return;
    this.#leave();
    process.off("exit", this.#leave);
    this.#output.off("resize", this.#draw);
    this.#input.off("data", this.#key);
    if (this.#text !== "") this.#output.write(`${this.#text}\n`);
  }

  readonly #key = (keys: Buffer): void => {
    if ([...keys.toString("latin1")].some((key) => ENDING.has(key))) this.#onQuit();
  };

  /** What does not fit is cut off: a line that wrapped would push the others out of their places. */
  readonly #draw = (): void => {
    const { columns = 80, rows = 24 } = this.#output;
    const lines = this.#text.split("\n").slice(0, rows - 1);
    const cut = lines.map((line) => `${line.slice(0, columns)}${CLEAR_LINE}`);
    this.#output.write(`${HOME}${cut.join("\r\n")}\r\n${CLEAR_BELOW}`);
  };

  readonly #leave = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#output.write(LEAVE);
    if (this.#input.isTTY !== true) return;
    this.#input.setRawMode?.(false);
    this.#input.pause();
  };
}
