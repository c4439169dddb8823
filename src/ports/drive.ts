/** A storage medium that a target owns. Its calls block: only the target's control thread makes them. */
export interface Drive {
  readonly kind: "file" | "memory";
  /** True where a sync makes bytes survive power loss. */
  readonly durable: boolean;
  /** Identity of what the bytes lie on: drives with the same one have the same room, and share it. */
  readonly medium: string;
  /**
   * Makes a zeroed object of `byteLength` bytes, all of them reserved.
   * @throws EEXIST, ERR_NO_SPACE, ERR_IO
   */
  create(name: string, byteLength: number): DriveObject;
  /** @throws ERR_IO; undefined when there is no such object. */
  open(name: string): DriveObject | undefined;
  /** Forgets the object; its space is free once the last mapping is gone. Removing what is not there is no error. */
  remove(name: string): void;
  names(): string[];
  /** Bytes of the medium and bytes still free. */
  capacity(): { totalBytes: number; freeBytes: number };
  close(): void;
}

/** An open object. It grows and never shrinks, so that no mapping of it ever reaches behind its end. */
export interface DriveObject {
  readonly name: string;
  readonly byteLength: number;
  /** Read and write; may be mapped, and passed to peers of the same uid. */
  readonly descriptor: number;
  /** A second descriptor that can only be read and mapped for reading; the caller closes it. */
  readOnlyDescriptor(): number;
  /** Sealed against shrinking, so that its read-write descriptor may go to peers of other uids. */
  readonly sealed: boolean;
  /**
   * Reserves all bytes from `at` to `end`, and makes the object that long where it is shorter. What was not reserved is
   * zero. @throws ERR_NO_SPACE, ERR_IO; the object is as long as before then
   */
  extend(at: number, end: number): void;
  /** Zeroes a range inside the object. Others may have it mapped, and go on. @throws ERR_NO_SPACE, ERR_IO */
  zero(at: number, byteLength: number): void;
  /**
   * Gives back the space of whole pages; they read as zeros. Done only where nobody else has the object open or mapped,
   * because a store to such a page needs space again, and ends its process where there is none.
   * @returns whether it was done
   */
  punch(at: number, byteLength: number): boolean;
  close(): void;
}

/** The part of a drive that makes writes durable. Its calls block for long: only the drive's sync thread makes them. */
export interface DriveSync {
  /** Starts writing what the object has dirty, and does not wait for it. @returns 0 or the errno of the failure */
  startWriting(descriptor: number): number;
  /** Waits for the writing that was started. It is not durable yet. @returns 0 or the errno of the failure */
  awaitWriting(descriptor: number): number;
  /** Makes everything written to the object durable, mapped stores included. @returns 0 or the errno of the failure */
  sync(descriptor: number): number;
  /**
   * Makes the names of all created and removed objects durable. A new object also needs one `sync` of its own: not
   * every file system makes its size durable with its name. @returns 0 or the errno of the failure
   */
  syncNames(): number;
  close(): void;
}
