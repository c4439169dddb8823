/** What `--preserve` keeps of a file, beside its bytes. */
export interface Kept {
  /** POSIX permission bits, set-id and sticky bits included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
}

/** Where the bytes of one copied file come from. `read` may be called for several ranges at a time. */
export interface Source {
  readonly size: number;
  /** POSIX permission bits. */
  readonly mode: number;
  /** Missing where the bytes come from no file. */
  readonly kept?: Kept;
  /** Fills `into` with the bytes from `at`. */
  read(at: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Bytes that come one after the other, nobody knows how many: standard input, a pipe, a device. */
export interface Flow {
  readonly size?: undefined;
  readonly mode: number;
  readonly kept?: undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
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

/** A file that is to be made. */
export interface NewFile {
  /** undefined: what is written, from the first byte to the last, is all of it. */
  readonly size: number | undefined;
  readonly mode: number;
  /** What it gets in place of what new files get, as far as this user may give it. */
  readonly kept?: Kept | undefined;
}

export interface Entry extends Kept {
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly size: number;
  /** The same for all names of a file, and for no other file of its tree. */
  readonly id: string;
  /** Names of the file. */
  readonly nlink: number;
}

/**
 * A tree of files that can be copied from and to: the cluster's, or the machine's. Paths are absolute, and text in the
 * form of std/byte-text.ts.
 */
export interface Tree {
  readonly kind: "cluster" | "local";
  join(directory: string, name: string): string;
  /** The path as a person writes it. */
  show(path: string): string;
  /** What is there; undefined when nothing is. `follow`: a symbolic link stands for what it leads to. */
  stat(path: string, follow: boolean): Promise<Entry | undefined>;
  /** Names of a directory's entries. */
  list(directory: string): AsyncIterable<string>;
  /** Makes a directory unless it exists. */
  makeDirectory(path: string, mode: number): Promise<void>;
  readLink(path: string): Promise<string>;
  /** Makes a symbolic link, in place of a file or link that is there. */
  makeLink(target: string, path: string): Promise<void>;
  /** Gives a file one more name, in place of a file or link that has it. */
  addName(existing: string, path: string): Promise<void>;
  /** Of a symbolic link itself, not of what it leads to; a link's mode stays. */
  keep(path: string, kept: Kept, link: boolean): Promise<void>;
  openSource(path: string): Promise<Source>;
  openSink(path: string, file: NewFile): Promise<Sink>;
}
