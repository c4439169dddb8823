import type { ProgressNews } from "./processes/progress-teller.ts";
import { formatBytes, formatCount } from "./report.ts";

/** What the demo prints: lines on standard output, and on a terminal what is going on now, on a line that goes again. */
export class Output {
  readonly #showsProgress = process.stderr.isTTY === true && process.stdout.isTTY === true;
  #shown = false;

  line(text = ""): void {
    this.clear();
    console.log(text);
  }

  now(text: string): void {
    if (!this.#showsProgress) return;
    this.#shown = true;
    process.stderr.write(`\r\x1b[2K… ${text}`.slice(0, (process.stderr.columns || 80) + 5));
  }

  /** A hearer of progress news, of so much in all. */
  progress(what: string, files: number, bytes: number): (news: ProgressNews) => void {
    this.now(what);
    return (news) =>
      this.now(
        `${what}: ${formatCount(news.files)} of ${formatCount(files)} files, ${formatBytes(news.bytes)} of ${formatBytes(bytes)}`,
      );
  }

  clear(): void {
    if (this.#shown) process.stderr.write("\r\x1b[2K");
    this.#shown = false;
  }
}
