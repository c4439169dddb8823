import type { DidafsError } from "../std/errors.ts";
import type { EpochAccess } from "./api.ts";
import type { EpochWindow } from "./epoch-window.ts";

/** One run of an epoch, from when it was opened until it is closed. Either `commit` or `abort` is called once. */
export interface OpenEpoch {
  /** @param checkRunning throws once the epoch takes no accesses any more */
  access(window: EpochWindow, checkRunning: () => void): EpochAccess;
  /** Closes it. */
  commit(): Promise<void>;
  /** Ends it without what its class promises of a close; never throws. */
  abort(): Promise<void>;
  /**
   * Before `abort`, where its body has failed: what it could only have ended with, because what it has read was not there
   * together. Never throws.
   */
  findConflict(): Promise<DidafsError | undefined>;
}
