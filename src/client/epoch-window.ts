import type { EpochLink } from "../transport/epoch-link.ts";
import type { RemoteBinding } from "../transport/transfer.ts";
import type { DidafsWindow } from "./api.ts";
import type { BoundRegion } from "./origin.ts";
import type { Stripes } from "./stripes.ts";

/** One region of a window, as epochs reach it. */
export interface EpochRegion {
  /** Of the file. */
  readonly inode: number;
  readonly bound: BoundRegion;
  /** The same for all windows that reach the region in the same session. */
  readonly key: string;
  /** Where the window's range begins in the region. */
  readonly at: number;
  readonly drive: string;
  /** For what epochs read: it is no access of the window that is under way. */
  readonly binding: RemoteBinding;
}

/** What an epoch needs of a window that it covers. */
export interface EpochWindow {
  readonly window: DidafsWindow;
  readonly path: string;
  readonly timeoutMs: number;
  readonly stripes: Stripes;
  /** By the region's place in the layout; undefined where the window has no byte on it. */
  readonly regions: readonly (EpochRegion | undefined)[];
  /** It has a region on a drive that cannot make bytes stable. */
  readonly volatileDrive: boolean;
  /** @throws ERR_CLOSED */
  checkOpen(): void;
  /** @throws ERR_RANGE, ERR_CLOSED */
  checkRead(at: number, length: number): void;
  /** @throws ERR_RANGE, ERR_CLOSED, ERR_RIGHTS */
  checkWrite(at: number, length: number): void;
  /** A word is read there, or written. @throws ERR_ALIGNMENT too */
  checkWord(at: number, word: number, writes: boolean): void;
  /** Bytes of the region are about to be changed. */
  changed(index: number): void;
  /** An epoch that was committed has written to the region, where its worker was told so over that link: a flush waits for it. */
  comes(index: number, link: EpochLink): void;
  /** The window does not close before that has settled. */
  holdOpen(closing: Promise<unknown>): void;
}
