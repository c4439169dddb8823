import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";

/** Lines that wait for room on the drive; more are dropped, the oldest first, and counted. */
const WAITING_BYTES_MAX = 256 << 10;
const RETRY_MS = 1000;

export interface RotatingFileOptions {
  readonly file: string;
  /** A file that would grow larger is put aside first, as `file.1`; what was there becomes `file.2`, and so on. */
  readonly bytesMax: number;
  /** Files kept, the present one included; at least 2. */
  readonly filesMax: number;
  /** The line that tells that so many lines were dropped. */
  readonly lostLine: (count: number) => string;
}

/**
 * Appends lines to a file, which is put aside when it has grown large. Every line is written before `append` returns, so
 * that a crash loses none, and lies whole in one file. What cannot be written (a full drive) waits here and is written when
 * it can be. Never throws. One writer a file.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #descriptor: number | undefined;
  #bytes = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Of the first that waits: bytes that are written already. */
  #written = 0;
  #lostCount = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  /** @param line with its newline */
  append(line: string): void {
    this.#enqueue(line);
    this.#flush();
  }

  /** What still waits gets a last try. */
  close(): void {
    this.#flush();
    clearTimeout(this.#retry);
    this.#letGo();
  }

  #letGo(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #enqueue(line: string): void {
    const bytes = Buffer.from(line);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.byteLength;
  }

  #flush(): void {
    try {
      for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
        this.#writeFirst(line);
        if (this.#waiting.length > 0 || this.#lostCount === 0) continue;
        const lostCount = this.#lostCount;
        this.#lostCount = 0;
        this.#enqueue(this.#options.lostLine(lostCount));
      }
    } catch {
      // Whatever was wrong with the file may be gone with a fresh descriptor.
      this.#letGo();
      this.#dropOldest();
      // A service that has nothing more to say must not keep its last lines to itself.
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#flush();
      }, RETRY_MS).unref();
    }
  }

  #writeFirst(line: Buffer): void {
    let descriptor = this.#descriptor ?? this.#open();
    const isFull = this.#bytes > 0 && this.#bytes + line.byteLength > this.#options.bytesMax;
    if (isFull && this.#written === 0) descriptor = this.#rotate(descriptor);
    while (this.#written < line.byteLength) {
      const count = writeSync(descriptor, line, this.#written);
      this.#written += count;
      this.#bytes += count;
    }
    this.#written = 0;
    this.#waiting.shift();
    this.#waitingBytes -= line.byteLength;
  }

  /** The first stays: a part of it may be in the file. */
  #dropOldest(): void {
    while (this.#waitingBytes > WAITING_BYTES_MAX && this.#waiting.length > 1) {
      const [dropped] = this.#waiting.splice(1, 1);
      this.#waitingBytes -= dropped?.byteLength ?? 0;
      this.#lostCount += 1;
    }
  }

  #open(): number {
    const descriptor = openSync(this.#options.file, "a+", 0o600);
    this.#descriptor = descriptor;
    this.#bytes = fstatSync(descriptor).size;
    if (this.#bytes === 0 || this.#written > 0) return descriptor;
    const last = Buffer.alloc(1);
    readSync(descriptor, last, 0, 1, this.#bytes - 1);
    // A life that ended on a full drive left half a line.
    if (last.toString() !== "\n") this.#bytes += writeSync(descriptor, "\n");
    return descriptor;
  }

  /** @returns the descriptor to write to: the old one where the file cannot be put aside */
  #rotate(descriptor: number): number {
    const { file, filesMax } = this.#options;
    try {
      rmSync(`${file}.${filesMax - 1}`, { force: true });
      for (let number = filesMax - 2; number > 0; number -= 1) {
        if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`);
      }
      renameSync(file, `${file}.1`);
    } catch {
      return descriptor;
    }
    this.#letGo();
    return this.#open();
  }
}
