/**
 * Control calls: JSON behind a 64-byte header with opcode CALL. A command's payload is `{ method, params }`, a
 * successful answer's is the result, a failed one's is {@link Failure} and its status the code's number. Every call is
 * listed here with the shape of both sides; whoever receives one checks it against its shape before use.
 */
import * as v from "valibot";
import {
  about,
  auditRecord,
  auditSection,
  bytes32,
  capability,
  claim,
  count,
  counters,
  empty,
  endpoint,
  epochName,
  epochOutcome,
  epochSecret,
  fileType,
  hex,
  identity,
  type layout,
  lockCycle,
  lockWait,
  metaKey,
  name,
  opened,
  type openFile,
  owner,
  participant,
  path,
  problem,
  publicKey,
  regionName,
  regionPage,
  report,
  rights,
  signature,
  stat,
  type subjectFile,
  type subjectName,
  targetStatus,
  time,
  userId,
  xattrName,
  xattrValue,
} from "./control-shapes.ts";

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
  "meta.stat": [about({}), stat],
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
    about({
      mode: v.optional(count),
      uid: v.optional(userId),
      gid: v.optional(userId),
      atimeMs: v.optional(time),
      mtimeMs: v.optional(time),
    }),
    stat,
  ],
  "meta.getxattr": [about({ name: xattrName }), v.object({ value: xattrValue })],
  "meta.setxattr": [
    about({
      name: xattrName,
      value: xattrValue,
      /** `create` insists that it is new (EEXIST), `replace` that it is there (ENODATA). */
      mode: v.picklist(["set", "create", "replace"]),
    }),
    empty,
  ],
  "meta.listxattr": [about({}), v.object({ names: v.array(xattrName) })],
  "meta.removexattr": [about({ name: xattrName }), empty],
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
  /** Where the group is at home whose name has that hash (its first 128 bits), at worker 0. */
  "meta.groupHome": [v.object({ name: identity }), v.object({ endpoint })],

  // Target to metadata service
  "meta.register": [
    /** `name`: what people call the target; its folder and its log have that name. */
    v.object({
      endpoint,
      name,
      pid: count,
      /** What its drive lies on: a device of one machine, or its memory. */
      medium: identity,
      report,
      /** Random, of this life of the target: capabilities that an earlier one was given do not outlive it. */
      incarnation: identity,
      /** The incarnation before this one where its process has ended for sure: then nobody waits for its lease. */
      former: v.optional(identity),
    }),
    /** The right to serve, counted from the sending of a registration or heartbeat that was answered. */
    v.object({ heartbeatMs: count, leaseMs: count }),
  ],
  "meta.heartbeat": [report, empty],

  /** A wait for a lock has lasted here, and may be part of a circle over several homes. */
  "meta.suspectDeadlock": [empty, empty],

  /** What has become of an epoch that this target has prepared, asked of its decider. */
  "meta.epochOutcome": [v.object({ decider: participant, name: epochName }), epochOutcome],
  /** Has the participant finish an epoch that this target has committed. */
  "meta.epochFinish": [v.object({ participant, name: epochName }), epochOutcome],

  // Metadata service to target, on the channel that the target opened
  "epoch.outcome": [v.object({ worker: count, name: epochName }), epochOutcome],
  "epoch.finish": [v.object({ worker: count, name: epochName }), epochOutcome],
  "region.create": [v.object({ ...regionName.entries, byteLength: count }), empty],
  "region.remove": [regionName, empty],
  /** Changes the region's length, durably. New bytes are zeros; accesses behind the end are refused once it answers. */
  "region.resize": [v.object({ ...regionName.entries, byteLength: count }), empty],
  /** Ends every binding that a capability below `gen` gave, and refuses such capabilities from now on. */
  "region.revoke": [v.object({ ...regionName.entries, gen: count }), empty],
  /** Removes a region that no metadata know, unless it may hold anybody's bytes: then `removed` is false. */
  "region.sweep": [regionName, v.object({ removed: v.boolean() })],
  /** Who has waited for a lock for a quarter of a second at least, on origins that have held it as long. */
  "lock.waits": [empty, v.object({ waits: v.array(lockWait) })],
  /** Ends a wait with ERR_DEADLOCK, if it still waits. */
  "lock.abort": [v.object({ worker: count, session: count, id: count, cycle: lockCycle }), empty],
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
    v.object({
      session: count,
      token: hex,
      leaseMs: count,
      uid: v.optional(count),
      workers: count,
      /** Of this life of the target, and of the session: what epochs are named after that it decides (wire/epoch-name.ts). */
      incarnation: identity,
      epochSecret,
    }),
  ],
  "session.renew": [empty, empty],
  /** The origin has let go of all it had mapped in a session that has ended; the token proves that it was its own. */
  "session.detached": [v.object({ session: count, token: hex }), empty],
  /** The circle that a wait of this session was part of, which was ended with ERR_DEADLOCK; the last one. */
  "lock.cycle": [empty, v.object({ cycle: lockCycle })],
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
  /** Of a window that is mapped: the memory where its region's lines are counted (structs/line-counts.ts); to be read only. */
  "window.lines": [v.object({ handle: count }), v.object({ entries: count })],
  /**
   * Of a window that may store to its mapping: its region's notice board (structs/notice-board.ts), whose descriptor comes with
   * the answer. `generation` 0, and no descriptor: there is none, and `make` did not ask for one. `lane`: the window's own; none
   * where all are taken.
   */
  "window.board": [
    v.object({ handle: count, make: v.boolean() }),
    v.object({ lane: v.optional(count), generation: count }),
  ],

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
export type Subject = v.InferOutput<typeof subjectName> | v.InferOutput<typeof subjectFile>;
export type StatRecord = v.InferOutput<typeof stat>;

export type TargetStatus = v.InferOutput<typeof targetStatus>;
