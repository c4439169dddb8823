/**
 * Control calls: JSON behind a 64-byte header with opcode CALL. A command's payload is `{ method, params }`, a
 * successful answer's is the result, a failed one's is {@link Failure} and its status the code's number. Every call is
 * listed here with the shape of both sides; whoever receives one checks it against its shape before use.
 */
import * as v from "valibot";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/**
 * Names are bytes, written as text (std/byte-text.ts). Length and form are checked by the namespace (meta/path.ts),
 * which answers with POSIX's codes.
 */
const path = v.string();
const name = v.pipe(v.string(), v.minLength(1));
const userId = v.pipe(count, v.maxValue(2 ** 32 - 2));
/** Milliseconds since 1970, with a fraction. */
const time = v.pipe(v.number(), v.finite());
const hex = v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/), v.maxLength(256));
const identity = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
/** A nonce or a proof of the handshake. */
const bytes32 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const empty = v.strictObject({});

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
const endpoint = v.object({
  target: identity,
  drive: v.picklist(["file", "memory"]),
  tcp: v.object({ control: tcpAddress, workers: v.array(tcpAddress) }),
  unix: v.object({ control: unixAddress, workers: v.array(unixAddress) }),
});

const layout = v.object({
  /** Bytes, a power of two, at least 4096. */
  stripeUnit: v.pipe(count, v.minValue(4096)),
  /** Byte offset o lies on region floor(o / stripeUnit) % regions.length. */
  regions: v.pipe(
    v.array(v.object({ target: identity, drive: v.picklist(["file", "memory"]) })),
    v.minLength(1),
  ),
});

const fileType = v.picklist(["file", "directory", "symlink"]);

/** Who is to own what a call makes; 0 and 0 where it is left out. */
const owner = v.optional(v.object({ uid: userId, gid: userId }));

const stat = v.object({
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
const regionName = v.object({ inode: count, index: count });

/** Regions on a drive, and what their headers say. */
const regionPage = {
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
const capability = v.pipe(v.string(), v.regex(/^[0-9a-f]{256}$/));
/** Ed25519: the raw public key, and a signature. */
const publicKey = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const signature = v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/));

const rights = v.picklist(["r", "rw"]);

/** A file that is open, and its generation then: `revoke` raises it. */
const openFile = v.object({ inode: count, gen: count });

/** A file that an origin says it has open, and how often. */
const claim = v.object({ ...openFile.entries, count });

/** How to use a file that is open: what it is, where its targets are, and what lets its opener in. */
const opened = {
  stat,
  gen: openFile.entries.gen,
  endpoints: v.array(endpoint),
  capabilities: v.array(capability),
};

/** Base64. The name is bytes as text, as names of files are. */
const xattrName = v.string();
const xattrValue = v.pipe(v.string(), v.base64());

/** Numbers that a service counts, by name. */
const counters = v.record(v.string(), v.number());

const targetStatus = v.object({
  id: identity,
  name,
  pid: count,
  drive: v.picklist(["file", "memory"]),
  state: v.picklist(["up", "down"]),
  address: v.string(),
  totalBytes: count,
  freeBytes: count,
  regions: count,
  sessions: count,
  counters,
});

/** A key of the metadata, in hex. */
const metaKey = v.pipe(v.string(), v.regex(/^([0-9a-f]{2}){1,1900}$/));

const auditSection = v.picklist([
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

const auditRecord = v.variant("kind", [
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
const problem = v.variant("kind", [
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

/** `[params, result]` of each call. */
export const CALLS = {
  // Handshake, on every control channel, before anything else (rpc/handshake.ts)
  hello: [
    v.object({ role: v.picklist(["origin", "target"]), nonce: bytes32 }),
    v.object({ nonce: bytes32, proof: bytes32, service: v.picklist(["meta", "target"]), id: identity }),
  ],
  prove: [v.object({ proof: bytes32 }), empty],

  // Origin to metadata service
  /**
   * First on every channel: the origin's public key, which its capabilities will name, and the files that it has open,
   * each once; more of them may follow in further calls. Channels that attach with the same key belong to one origin:
   * when nothing comes on any of them for `leaseMs` they are ended, and its files are closed.
   */
  "meta.attach": [
    v.object({ originKey: publicKey, open: v.array(claim) }),
    v.object({ leaseMs: v.pipe(count, v.minValue(1)) }),
  ],
  "meta.renew": [empty, empty],
  /** Opens a file, for as long as the origin lives or until `meta.close`: until then removing it leaves its bytes. */
  "meta.open": [
    v.object({
      path,
      create: v.picklist(["no", "yes", "exclusive"]),
      rights,
      size: v.optional(count),
      stripeUnit: v.optional(count),
      targets: v.optional(count),
      drive: v.optional(v.picklist(["file", "memory"])),
      mode: v.optional(count),
      owner,
    }),
    v.object({ created: v.boolean(), ...opened }),
  ],
  /** Ends as many openings as the numbers name; one that is named twice was opened twice. */
  "meta.close": [v.object({ inodes: v.array(count) }), empty],
  /** Fresh capabilities and addresses for a file that this origin has open. */
  "meta.grant": [v.object({ inode: count, rights }), v.object(opened)],
  "meta.stat": [v.object({ path, follow: v.boolean() }), stat],
  /**
   * One page of a directory in the order of its names as bytes. The first page is asked for by path, the others by the
   * inode that it told; `after` is the name behind which to go on, be it still there or not.
   */
  "meta.readdir": [
    v.object({
      directory: v.union([v.object({ path }), v.object({ inode: count })]),
      after: v.optional(v.string()),
    }),
    v.object({ inode: count, entries: v.array(v.object({ name, type: fileType })), more: v.boolean() }),
  ],
  "meta.mkdir": [v.object({ path, recursive: v.boolean(), mode: v.optional(count), owner }), empty],
  /** Of a file that this origin has open. New bytes are zeros; cut ranges are out of every window's reach at the answer. */
  "meta.resize": [v.object({ inode: count, size: count }), stat],
  "meta.rename": [v.object({ from: path, to: path }), empty],
  /** `only`: what it must be, else EISDIR or ENOTDIR; a symbolic link is a file here. */
  "meta.remove": [
    v.object({ path, recursive: v.boolean(), only: v.optional(v.picklist(["file", "directory"])) }),
    empty,
  ],
  "meta.link": [v.object({ existing: path, path }), empty],
  "meta.symlink": [v.object({ target: v.string(), path, owner }), empty],
  "meta.readlink": [v.object({ path }), v.object({ target: v.string() })],
  "meta.setattr": [
    v.object({
      path,
      follow: v.boolean(),
      mode: v.optional(count),
      uid: v.optional(userId),
      gid: v.optional(userId),
      atimeMs: v.optional(time),
      mtimeMs: v.optional(time),
    }),
    stat,
  ],
  "meta.getxattr": [
    v.object({ path, follow: v.boolean(), name: xattrName }),
    v.object({ value: xattrValue }),
  ],
  "meta.setxattr": [
    v.object({
      path,
      follow: v.boolean(),
      name: xattrName,
      value: xattrValue,
      /** `create` insists that it is new (EEXIST), `replace` that it is there (ENODATA). */
      mode: v.picklist(["set", "create", "replace"]),
    }),
    empty,
  ],
  "meta.listxattr": [v.object({ path, follow: v.boolean() }), v.object({ names: v.array(xattrName) })],
  "meta.removexattr": [v.object({ path, follow: v.boolean(), name: xattrName }), empty],
  "meta.statfs": [
    empty,
    v.object({
      totalBytes: count,
      freeBytes: count,
      inodes: count,
      nameBytesMax: count,
      pathBytesMax: count,
    }),
  ],
  /** Answered once no window opened before can reach the file over a stream and nobody can map it without opening it anew. */
  "meta.revoke": [v.object({ path }), empty],
  /** One page of what the metadata hold, in the order of the keys (meta/keys.ts), behind the key `after`. */
  "meta.audit": [
    v.object({ section: auditSection, after: v.optional(metaKey) }),
    v.object({
      records: v.array(auditRecord),
      /** The key of the last record, where there is more. */
      next: v.optional(metaKey),
      /** Of the service: the same as long as nothing is changed. */
      revision: count,
      /** How many inodes there should be, and the first number that was never given out. */
      inodes: count,
      nextInode: count,
    }),
  ],
  /** `region.audit` of a target. ERR_UNREACHABLE when it is down. */
  "meta.auditRegions": [v.object({ target: identity, after: v.optional(regionName) }), v.object(regionPage)],
  /**
   * Looks whether something is (still) wrong, and with `apply` puts it right, in one step. `refused`: it is there, and
   * nothing was changed, for the `reason`.
   */
  "meta.repair": [
    v.object({ problem, apply: v.boolean() }),
    v.object({
      state: v.picklist(["gone", "found", "repaired", "refused"]),
      reason: v.optional(v.string()),
    }),
  ],
  "meta.status": [
    empty,
    v.object({
      version: v.string(),
      id: identity,
      pid: count,
      targets: v.array(targetStatus),
      counters,
      /** Where the cluster's supervisor serves /metrics and /healthz. */
      metricsUrl: v.optional(v.string()),
    }),
  ],

  // Target to metadata service
  "meta.register": [
    /** `name`: what people call the target; its folder and its log have that name. */
    v.object({
      endpoint,
      name,
      pid: count,
      totalBytes: count,
      freeBytes: count,
      /** Random, of this life of the target: capabilities that an earlier one was given do not outlive it. */
      incarnation: identity,
      /** The incarnation before this one where its process has ended for sure: then nobody waits for its lease. */
      former: v.optional(identity),
    }),
    /** The right to serve, counted from the sending of a registration or heartbeat that was answered. */
    v.object({ heartbeatMs: count, leaseMs: count }),
  ],
  "meta.heartbeat": [
    v.object({ totalBytes: count, freeBytes: count, regions: count, sessions: count, counters }),
    empty,
  ],

  // Metadata service to target, on the channel that the target opened
  "region.create": [v.object({ ...regionName.entries, byteLength: count }), empty],
  "region.remove": [regionName, empty],
  /** Changes the region's length, durably. New bytes are zeros; accesses behind the end are refused once it answers. */
  "region.resize": [v.object({ ...regionName.entries, byteLength: count }), empty],
  /** Ends every binding that a capability below `gen` gave, and refuses such capabilities from now on. */
  "region.revoke": [v.object({ ...regionName.entries, gen: count }), empty],
  /** Removes a region that no metadata know, unless it may hold anybody's bytes: then `removed` is false. */
  "region.sweep": [regionName, v.object({ removed: v.boolean() })],
  /** One page of what is on the drive, in the order of inodes, then indexes. */
  "region.list": [
    v.object({ after: v.optional(regionName), limit: count }),
    v.object({ regions: v.array(regionName), more: v.boolean() }),
  ],
  /** The same, with what each region's header says. With `only` it is about that region, if it is there. */
  "region.audit": [
    v.object({ after: v.optional(regionName), limit: count, only: v.optional(regionName) }),
    v.object(regionPage),
  ],

  // Origin to target's control thread
  "session.open": [
    /** `proof`: made with the origin's private key over this channel's handshake (rpc/proofs.ts). */
    v.object({ leaseMs: count, originKey: publicKey, proof: signature }),
    v.object({ session: count, token: hex, leaseMs: count, uid: v.optional(count), workers: count }),
  ],
  "session.renew": [empty, empty],
  /**
   * Opens a window on the region that the capability names; `direct` asks for its descriptor, which then comes with
   * the answer.
   */
  "window.bind": [
    v.object({
      capability,
      at: count,
      byteLength: count,
      rights,
      sharing: v.picklist(["managed", "raw"]),
      direct: v.boolean(),
    }),
    v.object({
      handle: count,
      worker: count,
      /** Bytes of the region, and where its first byte lies behind the descriptor. */
      regionBytes: count,
      dataOffset: count,
      direct: v.boolean(),
      protection: v.picklist(["mmu", "advisory", "checked"]),
    }),
  ],
  "window.unbind": [v.object({ handle: count }), empty],

  // Target to origin, on the channel of the session
  /** The origin has lost these windows: answered once no access through the library reaches their mappings. */
  "window.revoked": [v.object({ handles: v.array(count) }), empty],
} as const;

export type Method = keyof typeof CALLS;
export type Params<M extends Method> = v.InferOutput<(typeof CALLS)[M][0]>;
export type Result<M extends Method> = v.InferOutput<(typeof CALLS)[M][1]>;

export type Endpoint = v.InferOutput<typeof endpoint>;
export type Layout = v.InferOutput<typeof layout>;
export type AuditRecord = v.InferOutput<typeof auditRecord>;
export type Problem = v.InferOutput<typeof problem>;
export type OpenFile = v.InferOutput<typeof openFile>;
export type Claim = v.InferOutput<typeof claim>;
export type StatRecord = v.InferOutput<typeof stat>;

export type TargetStatus = v.InferOutput<typeof targetStatus>;
