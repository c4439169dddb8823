import { codeOf, DidafsError } from "../std/errors.ts";
import { REGION_HEADER_BYTES, regionObjectBytes } from "../structs/region-header.ts";
import type { RegionStore, StoredRegion } from "./region-store.ts";
import type { WorkerLink } from "./worker-link.ts";

/** What of an open region has to do with its length. */
export interface Resizable {
  readonly inode: number;
  readonly index: number;
  readonly stored: StoredRegion;
  /** It has lost bytes whose place is given back once nobody uses it. */
  cut: boolean;
}

export interface ResizeParts {
  readonly store: RegionStore;
  /** The region's home. */
  readonly worker: WorkerLink;
  readonly region: Resizable;
  /** Makes the region durable. @throws ERR_IO */
  readonly sync: () => Promise<void>;
}

/** Zeroed between two syncs: a file system that must fill them blocks the control thread so long. */
const ZERO_BYTES = 256 << 20;

/**
 * Changes an open region's length, durably. What it has beyond its length may hold bytes of earlier times (a store
 * through a mapping, a crash before they were zeroed), so it is zeroed before it comes into reach.
 * @throws ERR_NO_SPACE (it is as before), ERR_IO
 */
export async function resizeRegion(parts: ResizeParts, byteLength: number): Promise<void> {
  const { byteLength: before } = parts.region.stored.header;
  if (byteLength > before) await grow(parts, byteLength);
  else if (byteLength < before) await shrink(parts, byteLength);
  else {
    // Whoever asks again may not have heard that it was done, nor need all of it have been.
    await tellWorker(parts, byteLength, byteLength);
    await parts.sync();
  }
}

async function grow(parts: ResizeParts, byteLength: number): Promise<void> {
  const { store, region, sync } = parts;
  const { object, header } = region.stored;
  const before = header.byteLength;
  const oldEnd = object.byteLength;
  const end = regionObjectBytes(byteLength);
  object.extend(regionObjectBytes(before), end);
  // Should it come to nothing, the room is given back with the last user.
  region.cut = true;
  await zero(parts, REGION_HEADER_BYTES + before, Math.min(oldEnd, end));
  // Room and zeros are on the drive before the header that counts on them.
  await sync();
  await tellWorker(parts, before, byteLength);
  store.change(region.stored, { byteLength });
  await tellWorker(parts, byteLength, byteLength);
  await sync();
}

async function shrink(parts: ResizeParts, byteLength: number): Promise<void> {
  const { store, region, sync } = parts;
  const end = regionObjectBytes(region.stored.header.byteLength);
  store.change(region.stored, { byteLength });
  region.cut = true;
  // The shorter length is on the drive before the bytes are gone.
  await sync();
  await tellWorker(parts, byteLength, byteLength);
  await zero(parts, REGION_HEADER_BYTES + byteLength, end);
  await sync();
}

async function tellWorker(
  { worker, region }: ResizeParts,
  byteLength: number,
  mappedBytes: number,
): Promise<void> {
  const { inode, index } = region;
  const status = await worker.resize({ inode, index, byteLength, mappedBytes });
  if (status === 0) return;
  throw new DidafsError(codeOf(status), "the worker could not map the region's new length");
}

async function zero({ region, sync }: ResizeParts, at: number, end: number): Promise<void> {
  for (let from = at; from < end; from += ZERO_BYTES) {
    region.stored.object.zero(from, Math.min(ZERO_BYTES, end - from));
    if (end - from > ZERO_BYTES) await sync();
  }
}
