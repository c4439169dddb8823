/** What the control thread and a data-plane worker say to each other, each through its end of one mailbox. */

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

export type ToWorker =
  | { readonly type: "session-open"; readonly session: number; readonly token: Uint8Array }
  /** Ends its connections and bindings; answered by session-closed. */
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
  /** Answered by unbound. `revoked`: late commands are told ERR_REVOKED. */
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
  /** Answered by stopped. */
  | { readonly type: "stop" };

export type FromWorker =
  | { readonly type: "session-closed"; readonly session: number }
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
  | { readonly type: "stopped" };
