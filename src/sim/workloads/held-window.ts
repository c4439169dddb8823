import type { DidafsFile, DidafsWindow } from "../../client/api.ts";
import type { ClusterClient } from "../../client/cluster.ts";
import { type ErrorCode, isDidafsError } from "../../std/errors.ts";
import type { Access } from "../checkers/revocation.ts";
import { History } from "../history.ts";
import type { ClientProcess } from "../world/client-process.ts";
import type { Book, BookedFile } from "./book.ts";

/** What no fault of machines, networks and drives explains. */
const INEXPLICABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "ERR_INTERNAL",
  "ERR_PROTOCOL",
  "ERR_VERSION",
  "ERR_AUTH",
  "ERR_CORRUPT",
  "ERR_RANGE",
  "ERR_RIGHTS",
  "ERR_ALIGNMENT",
  "ERR_INVALID_ARGUMENT",
  "ERR_NOT_DURABLE",
  "ERR_UNSAFE_INTEGER",
]);
/** After these the window is of no use any more. */
const ENDS: readonly ErrorCode[] = [
  "ERR_SESSION_LOST",
  "ERR_REVOKED",
  "ERR_CLOSED",
  "ERR_BAD_HANDLE",
  "ERR_IO",
];

interface OpenWindow {
  readonly file: DidafsFile;
  readonly window: DidafsWindow;
  readonly id: string;
  /** When it was there, in the order of invocations and returns. */
  readonly opened: number;
  /** How often its process had been stopped by then. */
  readonly pauses: number;
  ended: boolean;
}

/** Of accesses that block: meanwhile nothing else of the cluster goes on but workers and drives. */
const BLOCKING_MS = 1000;

/** How often a window is closed behind an access, where others need windows of the other kind. */
const LEAVE_RATE = 0.2;

/** One client's window on a file, opened anew as often as it is lost. */
export class HeldWindow {
  readonly #client: ClientProcess;
  readonly #cluster: ClusterClient;
  readonly #book: Book;
  readonly #file: BookedFile;
  readonly #accesses: History<Access, null>;
  #opening: Promise<OpenWindow> | undefined;
  #current: OpenWindow | undefined;
  #opens = 0;
  /** The bytes are gone for good, and may be. */
  gone = false;

  constructor(client: ClientProcess, cluster: ClusterClient, book: Book, file: BookedFile) {
    this.#client = client;
    this.#cluster = cluster;
    this.#book = book;
    this.#file = file;
    this.#accesses = new History(book.sequence);
  }

  /**
   * Makes an access by the window, which is opened first where it is not.
   * @param access says whether it has reached any bytes; what it throws is looked at here
   * @returns the same, false where it threw
   */
  use(access: (window: DidafsWindow, id: string) => Promise<boolean>): Promise<boolean> {
    return this.#attempt(async (window, { id, opened, pauses }) => {
      const mayBeMapped = window.locality !== "tcp" && window.locality !== "unix";
      const excused = mayBeMapped && this.#client.pauses !== pauses;
      const operation = this.#accesses.begin(this.#client.name, { window: id, opened, excused });
      if (!(await access(window, id))) return false;
      this.#accesses.end(operation, null);
      this.#file.accesses.push(operation);
      return true;
    });
  }

  /** Nobody has closed it. */
  holds(window: DidafsWindow): boolean {
    return this.#current?.window === window;
  }

  /** Flushes the window; where it has changed nothing that reaches no bytes. @returns as `use` */
  flush(flushing: (window: DidafsWindow, id: string) => Promise<void>): Promise<boolean> {
    return this.#attempt(async (window, { id }) => {
      await flushing(window, id);
      this.#book.onFlushed(this.#file);
      return true;
    });
  }

  async #attempt(access: (window: DidafsWindow, open: OpenWindow) => Promise<boolean>): Promise<boolean> {
    let open: OpenWindow | undefined;
    try {
      this.#opening ??= this.#begin();
      open = await this.#opening;
      if (!open.ended) this.#current = open;
      const done = await access(open.window, open);
      // Whoever waits for windows of the other kind has a turn.
      if (this.#file.plan.sharing === "mixed" && this.#book.random.chance(LEAVE_RATE)) await this.#end(open);
      return done;
    } catch (error) {
      this.#look(error);
      if (isDidafsError(error, "ERR_DATA_LOST")) this.gone = true;
      if (open === undefined) this.#opening = undefined;
      else if (isDidafsError(error, ...ENDS)) await this.#end(open);
      await this.#client.sleep(againMs(this.#book));
      return false;
    }
  }

  async close(): Promise<void> {
    const open = await this.#opening?.catch(() => undefined);
    if (open !== undefined) await this.#end(open);
  }

  /** Others may have ended it, and opened the next. */
  async #end(open: OpenWindow): Promise<void> {
    if (open.ended) return;
    open.ended = true;
    this.#current = undefined;
    this.#opening = undefined;
    await open.file.close().catch((error: unknown) => this.#look(error));
  }

  async #begin(): Promise<OpenWindow> {
    const { path, plan } = this.#file;
    const { pauses } = this.#client;
    const { random } = this.#book;
    const sharing = plan.sharing === "mixed" ? random.pick(["managed", "raw"] as const) : plan.sharing;
    const file = await this.#cluster.open(path);
    try {
      const window = await file.window({ rights: "rw", sharing, timeoutMs: BLOCKING_MS });
      this.#opens += 1;
      const id = `${this.#client.name}#${this.#opens}`;
      return { file, window, id, opened: this.#book.sequence.next(), pauses, ended: false };
    } catch (error) {
      file.close().catch((late: unknown) => this.#look(late));
      throw error;
    }
  }

  #look(error: unknown): void {
    lookAt(
      error,
      this.#book,
      `${this.#client.name} on ${this.#file.path}`,
      this.#file.plan.drive === "memory",
    );
  }
}

/** After so long something that failed is tried again; in the end there is more time. */
export function againMs({ random, ending }: Book): number {
  return random.magnitude(5, ending ? 3000 : 500);
}

/** @param mayBeLost the bytes lie in memory, and go with their target */
export function lookAt(error: unknown, book: Book, who: string, mayBeLost: boolean): void {
  if (!isDidafsError(error)) throw error;
  const { code, message } = error;
  const isWrong = INEXPLICABLE.has(code) || (code === "ERR_DATA_LOST" && !mayBeLost);
  book.note(who, `meets ${code}: ${message}`);
  if (isWrong) book.fail("errors", `${who} met ${code}: ${message}`);
}
