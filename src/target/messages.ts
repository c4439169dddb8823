import type { EpochName, Participant } from "../wire/epoch-name.ts";

/** What the control thread and a data-plane worker say to each other, each through its end of one mailbox. */

/** A request for a lock, as others are told of it. */
export interface LockDescription {
  /** The public key of the origin that made it. */
  readonly origin: string;
  readonly inode: number;
  readonly index: number;
  /** The range, in bytes of the region. */
  readonly at: number;
  readonly length: number;
  readonly exclusive: boolean;
}

/** One that has waited for long. */
export interface LongWait {
  readonly session: number;
  readonly id: number;
  readonly request: LockDescription;
  readonly waitedMs: number;
  /** For how long all of this has been so. */
  readonly lastedMs: number;
  /** The origins that hold what it waits for. */
  readonly holders: string[];
}

/** A region as a worker needs it. Its descriptor stays open until the worker has said that it unmapped the region. */
export interface RegionGrant {
  readonly inode: number;
  readonly index: number;
  readonly descriptor: number;
  /** Bytes of the data. */
  readonly byteLength: number;
  /** A sync makes its bytes survive power loss. */
  readonly durable: boolean;
}

/** The log of a worker's epochs. Its descriptor stays open as long as the worker runs. */
export interface EpochLogGrant {
  readonly descriptor: number;
  readonly byteLength: number;
  /** For messages. */
  readonly name: string;
  /** A sync makes it survive power loss, and somebody counts on that. */
  readonly durable: boolean;
  /** See EpochLogHeader. */
  readonly secret: number;
}

export type ToWorker =
  | {
      readonly type: "session-open";
      readonly session: number;
      /** The origin's public key. */
      readonly owner: string;
      readonly token: Uint8Array;
      /** See EpochSession. */
      readonly epochSecret: string;
    }
  /** Ends its connections, bindings and waits; answered by session-closed. What it has locked stays. */
  | { readonly type: "session-close"; readonly session: number }
  /** Answered by bound. */
  | {
      readonly type: "bind";
      readonly session: number;
      readonly handle: number;
      readonly region: RegionGrant;
      readonly at: number;
      readonly byteLength: number;
      /** READ, WRITE or both (iommu/domain.ts). */
      readonly rights: number;
    }
  /**
   * Answered by unbound. `revoked`: late commands are told ERR_REVOKED, and what is locked through it stays; a second order
   * releases that.
   */
  | {
      readonly type: "unbind";
      readonly session: number;
      readonly handle: number;
      readonly revoked: boolean;
    }
  /**
   * The region, if the worker has it, is mapped for at least `mappedBytes` of data and has `byteLength` of them now;
   * answered by resized once no access and no payload goes behind them.
   */
  | {
      readonly type: "resize";
      readonly inode: number;
      readonly index: number;
      readonly byteLength: number;
      readonly mappedBytes: number;
    }
  /** A sync of the region failed: every access to it is refused from now on. */
  | { readonly type: "fail"; readonly inode: number; readonly index: number }
  /** The region has no binding left; answered by unmapped once nothing refers to its bytes any more. */
  | { readonly type: "unmap"; readonly inode: number; readonly index: number }
  /** Before that time, on the worker's clock, no lock is granted; comes before any session. */
  | { readonly type: "locks-hold"; readonly untilMs: number }
  /** What a session that was closed has locked is free, but on these regions. */
  | { readonly type: "locks-forget"; readonly session: number; readonly kept: readonly string[] }
  /** Answered by lock-waits. */
  | { readonly type: "lock-waits" }
  /** Ends a wait that is part of a circle over several homes. */
  | {
      readonly type: "lock-abort";
      readonly session: number;
      readonly id: number;
      readonly cycle: readonly LockDescription[];
    }
  /** Who the worker is, to epochs; comes before any session. The log of the life before is `log`, where there is one. */
  | {
      readonly type: "epoch-self";
      readonly self: Participant;
      /** Random, of this life of the target. */
      readonly incarnation: string;
      readonly log: EpochLogGrant | undefined;
      /** What the log says is in place and durable in its region; these are those of epochs in doubt. */
      readonly regions: readonly RegionGrant[];
    }
  /** Answers epoch-log-wanted: a log of zeros, or what kept the drive from making one. */
  | { readonly type: "epoch-log"; readonly log: EpochLogGrant | undefined; readonly status: number }
  /** Answers epoch-enquire: what the decider says (EPOCH_ANSWER). Nothing comes where it is not reached. */
  | { readonly type: "epoch-outcome"; readonly key: string; readonly answer: number }
  /** Somebody in doubt asks this worker, who decides; answered by epoch-enquired. */
  | { readonly type: "epoch-enquiry"; readonly id: number; readonly name: EpochName }
  /** The decider asks this worker to finish what it has committed; answered by epoch-finished. */
  | { readonly type: "epoch-finish"; readonly id: number; readonly name: EpochName }
  /** Answers epoch-ask-finish: that participant has finished. Nothing comes where it has not, or is not reached. */
  | { readonly type: "epoch-acknowledged"; readonly name: EpochName; readonly participant: Participant }
  /**
   * From now on the lines of that region, which the worker has mapped, are counted in that memory (structs/line-counts.ts);
   * answered by lines-shared. The descriptor may be closed then.
   */
  | {
      readonly type: "lines-share";
      readonly inode: number;
      readonly index: number;
      readonly descriptor: number;
      readonly entries: number;
    }
  /**
   * From now on that memory, which is all zeros, is the notice board (structs/notice-board.ts) of that region, which the worker has
   * mapped and which has none; answered by board-shared. The descriptor may be closed then.
   */
  | {
      readonly type: "board-share";
      readonly inode: number;
      readonly index: number;
      readonly descriptor: number;
      /** What the region's header says. */
      readonly generation: number;
    }
  /** Gives somebody a lane of the board, whose owner before has ended or let go of it; answered by board-lane-given. */
  | {
      readonly type: "board-lane";
      readonly inode: number;
      readonly index: number;
      readonly lane: number;
      /** Its owner: the window, and the public key of its origin. */
      readonly session: number;
      readonly handle: number;
      readonly source: string;
    }
  /** The owner of that lane has let go of the board: he reads no queue there any more. */
  | { readonly type: "board-left"; readonly inode: number; readonly index: number; readonly lane: number }
  /** The region is gone for good: what the log has for it is not needed any more. */
  | { readonly type: "region-removed"; readonly inode: number; readonly index: number }
  /** Answered by stopped. */
  | { readonly type: "stop" };

export type FromWorker =
  /** `locks` that it holds still. */
  | { readonly type: "session-closed"; readonly session: number; readonly locks: number }
  /** `status` is 0, or what kept the worker from mapping the region. */
  | { readonly type: "bound"; readonly session: number; readonly handle: number; readonly status: number }
  | { readonly type: "unbound"; readonly session: number; readonly handle: number }
  /** `status` is 0, or what kept the worker from mapping more of the region; then nothing has changed. */
  | { readonly type: "resized"; readonly inode: number; readonly index: number; readonly status: number }
  | { readonly type: "unmapped"; readonly inode: number; readonly index: number }
  /** A sync of the region failed; every access to it is refused from now on. */
  | { readonly type: "region-failed"; readonly inode: number; readonly index: number; readonly errno: number }
  /** The session sent what no client of ours sends; the worker has ended its part of it. */
  | { readonly type: "session-violated"; readonly session: number; readonly reason: string }
  /** A lock has been waited for so long that it may be part of a circle over several homes. */
  | { readonly type: "lock-suspected" }
  /** A wait of the session was part of that circle, and is answered so. */
  | { readonly type: "lock-deadlock"; readonly session: number; readonly cycle: readonly LockDescription[] }
  | { readonly type: "lock-waits"; readonly waits: readonly LongWait[] }
  /** The first epoch has come, and there is no log yet; answered by epoch-log. */
  | { readonly type: "epoch-log-wanted" }
  /** A sync of the log failed: no epoch can be served before the target starts again. */
  | { readonly type: "epoch-log-failed"; readonly errno: number }
  /** Asks the decider what has become of that epoch; answered by epoch-outcome. */
  | {
      readonly type: "epoch-enquire";
      readonly key: string;
      readonly name: EpochName;
      readonly decider: Participant;
    }
  /** Asks the participant to finish what was committed here; answered by epoch-acknowledged. */
  | { readonly type: "epoch-ask-finish"; readonly name: EpochName; readonly participant: Participant }
  /** `status` is 0, or what kept the worker from counting there; then it counts where it did. */
  | { readonly type: "lines-shared"; readonly inode: number; readonly index: number; readonly status: number }
  /** `status` is 0, or what kept the worker from having the board there. */
  | { readonly type: "board-shared"; readonly inode: number; readonly index: number; readonly status: number }
  /** `status` is 0, or that of ERR_TOO_MANY while what its owner before has put into rings was not taken. */
  | {
      readonly type: "board-lane-given";
      readonly inode: number;
      readonly index: number;
      readonly status: number;
    }
  | { readonly type: "epoch-enquired"; readonly id: number; readonly answer: number }
  | { readonly type: "epoch-finished"; readonly id: number; readonly answer: number }
  | { readonly type: "stopped" };
