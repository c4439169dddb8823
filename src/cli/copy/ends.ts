/** Where the bytes of one copied file come from. `read` may be called for several ranges at a time. */
export interface Source {
  readonly size: number;
  /** POSIX permission bits. */
  readonly mode: number;
  /** Fills `into` with the bytes from `at`. */
  read(at: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Where they go. Nothing shows under the final name before `commit`; `discard` leaves nothing behind. */
export interface Sink {
  /** Chunks must be written one after the other, in order. */
  readonly inOrder: boolean;
  write(at: number, from: Uint8Array): Promise<void>;
  /** Reads back what was written; missing where that is impossible. */
  readonly read?: (at: number, into: Uint8Array) => Promise<void>;
  commit(): Promise<void>;
  discard(): Promise<void>;
}

export interface Entry {
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly size: number;
  readonly mode: number;
}

/** A tree of files that can be copied from and to: the cluster's, or the machine's. Paths are absolute. */
export interface Tree {
  readonly kind: "cluster" | "local";
  join(directory: string, name: string): string;
  /** The path as a person writes it. */
  show(path: string): string;
  /** What is there, symbolic links followed; undefined when nothing is. */
  stat(path: string): Promise<Entry | undefined>;
  list(directory: string): AsyncIterable<Child>;
  /** Makes a directory unless it exists. */
  makeDirectory(path: string): Promise<void>;
  openSource(path: string): Promise<Source>;
  openSink(path: string, size: number, mode: number): Promise<Sink>;
}

export interface Child {
  readonly name: string;
  /** A symbolic link, which a recursive copy follows to files only. */
  readonly link: boolean;
}
