/** The shapes that control calls (control.ts) are made of. Whoever receives one checks it before use. */
import * as v from "valibot";

export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/**
 * Names are bytes, written as text (std/byte-text.ts). Length and form are checked by the namespace (meta/path.ts),
 * which answers with POSIX's codes.
 */
export const path = v.string();
export const name = v.pipe(v.string(), v.minLength(1));
export const userId = v.pipe(count, v.maxValue(2 ** 32 - 2));
/** Milliseconds since 1970, with a fraction. */
export const time = v.pipe(v.number(), v.finite());
export const hex = v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/), v.maxLength(256));
export const identity = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
/** A nonce or a proof of the handshake. */
export const bytes32 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
export const empty = v.strictObject({});

export const Failure = v.object({
  message: v.string(),
  applied: v.optional(v.picklist(["yes", "no", "unknown"])),
  path: v.optional(v.string()),
  target: v.optional(v.string()),
});

const tcpAddress = v.object({
  kind: v.literal("tcp"),
  host: v.string(),
  port: v.pipe(count, v.maxValue(65535)),
});
const unixAddress = v.object({
  kind: v.literal("unix"),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
});

/** How to reach a target: its control thread, and its data-plane workers by their number. */
export const endpoint = v.object({
  target: identity,
  drive: v.picklist(["file", "memory"]),
  tcp: v.object({ control: tcpAddress, workers: v.array(tcpAddress) }),
  unix: v.object({ control: unixAddress, workers: v.array(unixAddress) }),
});

export const layout = v.object({
  /** Bytes, a power of two, at least 4096. */
  stripeUnit: v.pipe(count, v.minValue(4096)),
  /** Byte offset o lies on region floor(o / stripeUnit) % regions.length. */
  regions: v.pipe(
    v.array(v.object({ target: identity, drive: v.picklist(["file", "memory"]) })),
    v.minLength(1),
  ),
});

export const fileType = v.picklist(["file", "directory", "symlink"]);

/** Who is to own what a call makes; 0 and 0 where it is left out. */
export const owner = v.optional(v.object({ uid: userId, gid: userId }));

export const stat = v.object({
  /** Number of the inode; never used twice. */
  inode: count,
  type: fileType,
  /** Bytes; of a symbolic link those of its target, of a directory 0. */
  size: count,
  /** POSIX permission bits. */
  mode: count,
  uid: userId,
  gid: userId,
  /** Names of the file; of a directory 2 and one for each directory in it. */
  nlink: count,
  atimeMs: time,
  mtimeMs: time,
  ctimeMs: time,
  birthtimeMs: time,
  layout: v.optional(layout),
});

/** A region's name: the inode's number and the region's place in the layout. */
export const regionName = v.object({ inode: count, index: count });

/** Regions on a drive, and what their headers say. */
export const regionPage = {
  regions: v.array(
    v.object({
      ...regionName.entries,
      /** Bytes of the data; undefined where `fault` says why the region cannot be used. */
      byteLength: v.optional(count),
      /** A window that may write has been opened on it. */
      written: v.optional(v.boolean()),
      fault: v.optional(v.string()),
    }),
  ),
  more: v.boolean(),
};

/** A signed capability (wire/capability.ts), one for each region of a file, in the layout's order. */
export const capability = v.pipe(v.string(), v.regex(/^[0-9a-f]{256}$/));
/** Ed25519: the raw public key, and a signature. */
export const publicKey = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
export const signature = v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/));

/** A request for a lock: whose, and the range in bytes of a region. */
const lockRequest = v.object({
  origin: publicKey,
  inode: count,
  index: count,
  at: count,
  length: count,
  exclusive: v.boolean(),
});
/** Requests that wait in a circle: each for the next one, or its origin, and the last for the first one's. */
export const lockCycle = v.pipe(v.array(lockRequest), v.maxLength(1024));
/** A request that has waited for long, and the origins that hold what it waits for. */
export const lockWait = v.object({
  worker: count,
  session: count,
  id: count,
  request: lockRequest,
  waitedMs: time,
  /** For how long all of this has been so. */
  lastedMs: time,
  holders: v.array(publicKey),
});

export const rights = v.picklist(["r", "rw"]);

/** A file that is open, and its generation then: `revoke` raises it. */
export const openFile = v.object({ inode: count, gen: count });

/** A file that an origin says it has open, and how often. */
export const claim = v.object({ ...openFile.entries, count });

/** How to use a file that is open: what it is, where its targets are, and what lets its opener in. */
export const opened = {
  stat,
  gen: openFile.entries.gen,
  endpoints: v.array(endpoint),
  capabilities: v.array(capability),
};

/** Base64. The name is bytes as text, as names of files are. */
export const xattrName = v.string();
export const xattrValue = v.pipe(v.string(), v.base64());

/** Numbers that a service counts, by name. */
export const counters = v.record(v.string(), v.number());

/** What a target says about itself. */
export const report = v.object({
  totalBytes: count,
  freeBytes: count,
  regions: count,
  sessions: count,
  /** The longest lease that a session may have been given by this life of it. */
  leaseMs: count,
  counters,
});

/** A home worker (wire/epoch-name.ts). */
export const participant = v.object({ target: identity, worker: count });
export const epochSecret = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/));
export const epochName = v.object({
  incarnation: identity,
  session: count,
  secret: epochSecret,
  sequence: count,
});
/** `undecided`: ask again. To a participant that was asked to finish, `committed` says that it has. */
export const epochOutcome = v.object({ outcome: v.picklist(["committed", "aborted", "undecided"]) });

export const targetStatus = v.object({
  id: identity,
  name,
  pid: count,
  drive: v.picklist(["file", "memory"]),
  state: v.picklist(["up", "down"]),
  address: v.string(),
  totalBytes: count,
  freeBytes: count,
  /** Targets with the same one share its room; known of those that have registered. */
  medium: v.optional(identity),
  regions: count,
  sessions: count,
  counters,
});

/** A key of the metadata, in hex. */
export const metaKey = v.pipe(v.string(), v.regex(/^([0-9a-f]{2}){1,1900}$/));

export const auditSection = v.picklist([
  "entries",
  "inodes",
  "links",
  "orphans",
  "removals",
  "trash",
  "xattrs",
  /** What none of the others knows. */
  "unknown",
]);

const place = { directory: count, name, inode: count };
const regionOfTarget = { target: identity, ...regionName.entries };

export const auditRecord = v.variant("kind", [
  v.object({ kind: v.literal("entry"), ...place, type: fileType }),
  v.object({
    kind: v.literal("inode"),
    inode: count,
    type: fileType,
    nlink: count,
    size: count,
    extent: count,
    ctimeMs: time,
    layout: v.optional(layout),
  }),
  /** A link's target, an orphan's note, a note of trash, an extended attribute. */
  v.object({
    kind: v.literal("note"),
    section: v.picklist(["links", "orphans", "trash", "xattrs"]),
    inode: count,
    key: metaKey,
  }),
  v.object({ kind: v.literal("removal"), ...regionOfTarget, key: metaKey }),
  /** It cannot be read. `inode` is what its key begins with, 0 where there is none. */
  v.object({
    kind: v.literal("damaged"),
    section: auditSection,
    inode: count,
    key: metaKey,
    reason: v.string(),
  }),
]);

/** Something that is wrong, named well enough to be found again. docs/operating.md says what each means. */
export const problem = v.variant("kind", [
  v.object({ kind: v.literal("orphan-region"), ...regionOfTarget }),
  v.object({ kind: v.literal("misplaced-region"), ...regionOfTarget }),
  v.object({ kind: v.literal("missing-region"), ...regionOfTarget }),
  v.object({ kind: v.literal("short-region"), ...regionOfTarget }),
  v.object({ kind: v.literal("long-region"), ...regionOfTarget }),
  v.object({ kind: v.literal("unusable-region"), ...regionOfTarget }),
  v.object({ kind: v.literal("dangling-entry"), ...place }),
  v.object({ kind: v.literal("wrong-type-entry"), ...place }),
  v.object({ kind: v.literal("stray-entry"), ...place }),
  /** A directory has another entry, which is the one to keep. */
  v.object({ kind: v.literal("second-entry"), ...place, other: v.object({ directory: count, name }) }),
  /** What was counted holds for the inode as long as it has this ctime: whatever gives or takes names changes it. */
  v.object({ kind: v.literal("nameless-inode"), inode: count, ctimeMs: time }),
  v.object({ kind: v.literal("wrong-nlink"), inode: count, ctimeMs: time, nlink: count }),
  /** Directories that lie in each other, from one to the next and around. */
  v.object({
    kind: v.literal("directory-loop"),
    entries: v.pipe(v.array(v.object(place)), v.maxLength(1000)),
  }),
  v.object({ kind: v.literal("silent-link"), inode: count }),
  v.object({ kind: v.literal("stray-record"), key: metaKey }),
  v.object({ kind: v.literal("damaged-record"), key: metaKey }),
  v.object({ kind: v.literal("low-inode-number"), inode: count }),
  v.object({ kind: v.literal("wrong-inode-count"), inodes: count, revision: count }),
]);

/** What a call is about: a name, or a file that this origin has open, with a name or without (else ERR_INVALID_ARGUMENT). */
export const subjectName = v.object({ path, follow: v.boolean() });
export const subjectFile = v.object({ inode: count });

/** Parameters of a call that is about a name or an open file. */
export function about<Entries extends v.ObjectEntries>(entries: Entries) {
  const ofName = v.object({ ...subjectName.entries, ...entries });
  const ofFile = v.object({ ...subjectFile.entries, ...entries });
  // No union: what is wrong with one would not be named.
  return v.lazy((input) => ("inode" in Object(input) ? ofFile : ofName));
}
