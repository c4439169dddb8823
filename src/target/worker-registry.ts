import { regionKey } from "../epoch/commit-records.ts";
import type { Mailbox } from "../ports/mailbox.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { isDidafsError, statusOf } from "../std/errors.ts";
import { ACCUMULATE_PAYLOAD, type Connection, PUT_PAYLOAD } from "./connection.ts";
import type { HeatTable } from "./heat-table.ts";
import type { FromWorker, LockDescription, RegionGrant, ToWorker } from "./messages.ts";
import { INPUT_OUTPUT, OK, REVOKED, UNBOUND } from "./statuses.ts";
import type { WorkerEpochs } from "./worker-epochs.ts";
import type { WorkerGroups } from "./worker-groups.ts";
import type { WorkerLocks } from "./worker-locks.ts";
import type { WorkerNotifications } from "./worker-notifications.ts";
import { WorkerRegion } from "./worker-region.ts";
import { WorkerSession } from "./worker-session.ts";
import type { WorkerWords } from "./worker-words.ts";

/** What the registry needs of the worker's connections. */
export interface ConnectionKeeper {
  readonly heat: HeatTable;
  readonly locks: WorkerLocks;
  readonly words: WorkerWords;
  readonly groups: WorkerGroups;
  readonly epochs: WorkerEpochs;
  readonly notifications: WorkerNotifications;
  connectionAt(slot: number): Connection | undefined;
  closeConnection(connection: Connection): void;
  /** Copies what connections, all by default, have still to send from the region; closes those that it is too much for. */
  copyOut(region: WorkerRegion, of?: Iterable<Connection | undefined>): void;
  /** Refuses the rest of payloads that would go to the region behind its first `byteLength` bytes. */
  cutPayloads(region: WorkerRegion, byteLength: number): void;
}

/** The sessions and regions of one worker, kept as the control thread orders. */
export class WorkerRegistry {
  readonly #sessions = new Map<number, WorkerSession>();
  readonly #regions = new Map<string, WorkerRegion>();
  /** Regions to be unmapped once their sync is done. */
  readonly #leaving: WorkerRegion[] = [];
  readonly #memoryPort: MemoryPort;
  readonly #mailbox: Mailbox<FromWorker, ToWorker>;
  readonly #keeper: ConnectionKeeper;
  stopping = false;

  constructor(memoryPort: MemoryPort, mailbox: Mailbox<FromWorker, ToWorker>, keeper: ConnectionKeeper) {
    this.#memoryPort = memoryPort;
    this.#mailbox = mailbox;
    this.#keeper = keeper;
  }

  /** Carries out what the control thread has ordered. @returns orders carried out */
  doWork(): number {
    let work = 0;
    const { epochs } = this.#keeper;
    // Before that is settled nobody may have a mapping to store to, either.
    while (!epochs.recovering) {
      const order = this.#mailbox.poll();
      if (order === undefined) break;
      this.#carryOut(order);
      work += 1;
    }
    if (this.#leaving.length > 0) work += this.#unmapIdle();
    return work;
  }

  /** The session of that number. Its opening was ordered before anyone outside could know the number. */
  session(number: number): WorkerSession | undefined {
    if (!this.#sessions.has(number)) this.doWork();
    return this.#sessions.get(number);
  }

  /** Ends this worker's part of a session whose peer broke the protocol, and says so. */
  violated(session: WorkerSession, reason: string): void {
    this.#endSession(session.number);
    this.#mailbox.post({ type: "session-violated", session: session.number, reason });
  }

  /** A region that is mapped, by regionKey; also one that is to be unmapped. */
  region(key: string): WorkerRegion | undefined {
    return this.#regions.get(key) ?? this.#leaving.find((region) => region.key === key);
  }

  post(message: FromWorker): void {
    this.#mailbox.post(message);
  }

  regionFailed(region: WorkerRegion, errno: number): void {
    this.#mailbox.post({ type: "region-failed", inode: region.inode, index: region.index, errno });
  }

  lockSuspected(): void {
    this.#mailbox.post({ type: "lock-suspected" });
  }

  lockDeadlock(session: number, cycle: readonly LockDescription[]): void {
    this.#mailbox.post({ type: "lock-deadlock", session, cycle });
  }

  #carryOut(order: ToWorker): void {
    switch (order.type) {
      case "session-open":
        this.#sessions.set(order.session, new WorkerSession(order.session, order.owner, order.token));
        this.#keeper.epochs.sessionOpened(order);
        return;
      case "session-close":
        this.#endSession(order.session);
        this.#mailbox.post({
          type: "session-closed",
          session: order.session,
          locks: this.#keeper.locks.endWaits(order.session),
        });
        return;
      case "bind":
        this.#mailbox.post({
          type: "bound",
          session: order.session,
          handle: order.handle,
          status: this.#bind(order),
        });
        return;
      case "unbind":
        this.#keeper.locks.unbound(order);
        this.#keeper.notifications.unbound(order);
        this.#keeper.words.unbound(order);
        this.#unbind(order.session, order.handle, order.revoked);
        this.#mailbox.post({ type: "unbound", session: order.session, handle: order.handle });
        return;
      case "resize":
        this.#resize(order);
        return;
      case "fail": {
        const region = this.#regions.get(regionKey(order.inode, order.index));
        if (region !== undefined) region.failed = true;
        return;
      }
      case "unmap":
        this.#unmap(order.inode, order.index);
        return;
      case "locks-hold":
        this.#keeper.locks.holdBack(order.untilMs);
        return;
      case "locks-forget":
        this.#keeper.locks.forget(order.session, order.kept);
        return;
      case "lock-waits":
        this.#mailbox.post({ type: "lock-waits", waits: this.#keeper.locks.waits() });
        return;
      case "lock-abort":
        this.#keeper.locks.abort(order.session, order.id, order.cycle);
        return;
      case "epoch-self":
        for (const grant of order.regions) this.#map(grant);
        this.#keeper.epochs.begin(order);
        return;
      case "epoch-log":
        this.#keeper.epochs.logGranted(order);
        return;
      case "epoch-outcome":
        this.#keeper.epochs.outcome(order);
        return;
      case "epoch-enquiry":
        this.#keeper.epochs.enquired(order);
        return;
      case "epoch-finish":
        this.#keeper.epochs.askedToFinish(order);
        return;
      case "epoch-acknowledged":
        this.#keeper.epochs.acknowledged(order);
        return;
      case "lines-share":
        this.#mailbox.post({
          type: "lines-shared",
          inode: order.inode,
          index: order.index,
          status: this.#shareLines(order),
        });
        return;
      case "board-share":
        this.#mailbox.post({
          type: "board-shared",
          inode: order.inode,
          index: order.index,
          status: this.#shareBoard(order),
        });
        return;
      case "board-lane":
        this.#mailbox.post({
          type: "board-lane-given",
          inode: order.inode,
          index: order.index,
          status: this.#keeper.notifications.giveLane(regionKey(order.inode, order.index), order),
        });
        return;
      case "board-left":
        this.#keeper.notifications.leaveLane(regionKey(order.inode, order.index), order.lane);
        return;
      case "region-removed":
        this.#keeper.epochs.removed(order.inode, order.index);
        return;
      case "stop":
        this.stopping = true;
    }
  }

  #bind(order: ToWorker & { type: "bind" }): number {
    const { handle, at, byteLength, rights } = order;
    const session = this.#sessions.get(order.session);
    // It has ended meanwhile, and the control thread learns or knows that.
    if (session === undefined) return UNBOUND;
    let region: WorkerRegion;
    try {
      region = this.#map(order.region);
    } catch (error) {
      return isDidafsError(error) ? statusOf(error.code) : INPUT_OUTPUT;
    }
    session.domain.bind({ handle, region, base: at, byteLength, rights }, region.byteLength);
    return OK;
  }

  #shareLines(order: ToWorker & { type: "lines-share" }): number {
    const region = this.#regions.get(regionKey(order.inode, order.index));
    if (region === undefined) return UNBOUND;
    try {
      return this.#keeper.epochs.shareLines(region, order);
    } catch (error) {
      return isDidafsError(error) ? statusOf(error.code) : INPUT_OUTPUT;
    }
  }

  #shareBoard(order: ToWorker & { type: "board-share" }): number {
    const region = this.#regions.get(regionKey(order.inode, order.index));
    return region === undefined ? UNBOUND : this.#keeper.notifications.shareBoard(region, order);
  }

  /** @throws ERR_IO, ERR_TOO_MANY when the kernel refuses the mapping */
  #map(grant: RegionGrant): WorkerRegion {
    const key = regionKey(grant.inode, grant.index);
    const known = this.#regions.get(key);
    if (known !== undefined) return known;
    const region = new WorkerRegion(grant, this.#memoryPort);
    this.#regions.set(key, region);
    this.#keeper.heat.open(region);
    return region;
  }

  #resize(order: ToWorker & { type: "resize" }): void {
    const { inode, index } = order;
    const answer = (status: number): void => this.#mailbox.post({ type: "resized", inode, index, status });
    const region = this.#regions.get(regionKey(inode, index));
    const status = region === undefined ? OK : this.#remap(region, order);
    if (region === undefined || status !== OK) answer(status);
    // What epochs have written must not come again where it was cut.
    else this.#keeper.epochs.settle(region, (errno) => answer(errno === 0 ? OK : INPUT_OUTPUT));
  }

  #remap(region: WorkerRegion, { byteLength, mappedBytes }: ToWorker & { type: "resize" }): number {
    // Answers that were given before leave with the bytes of that time.
    this.#keeper.copyOut(region);
    if (mappedBytes > region.memory.u8.byteLength) {
      try {
        region.remap(mappedBytes);
      } catch (error) {
        return isDidafsError(error) ? statusOf(error.code) : INPUT_OUTPUT;
      }
    }
    region.byteLength = byteLength;
    for (const { domain } of this.#sessions.values()) domain.resize(region, byteLength);
    this.#keeper.cutPayloads(region, byteLength);
    this.#keeper.words.cut(region);
    return OK;
  }

  #unbind(number: number, handle: number, revoked: boolean): void {
    const session = this.#sessions.get(number);
    if (session === undefined) return;
    const region = session.domain.unbind(handle)?.region;
    if (revoked) session.revoke(handle);
    // What is written once the revoking is confirmed must not leave in an answer that was given before.
    if (revoked && region !== undefined) {
      const concerned = [...session.slots].map((slot) => this.#keeper.connectionAt(slot));
      this.#keeper.copyOut(region, concerned);
    }
    for (const slot of session.slots) {
      const connection = this.#keeper.connectionAt(slot);
      if (connection === undefined) continue;
      const writing = connection.phase === PUT_PAYLOAD || connection.phase === ACCUMULATE_PAYLOAD;
      if (!writing || connection.handle !== handle) continue;
      // What has not arrived yet would be written through a binding that is gone.
      connection.refusePayload(revoked ? REVOKED : UNBOUND);
    }
  }

  #endSession(number: number): void {
    const session = this.#sessions.get(number);
    if (session === undefined) return;
    this.#sessions.delete(number);
    this.#keeper.epochs.sessionEnded(number);
    this.#keeper.notifications.sessionEnded(number);
    this.#keeper.groups.endSession(number);
    for (const slot of session.slots) {
      const connection = this.#keeper.connectionAt(slot);
      if (connection !== undefined) this.#keeper.closeConnection(connection);
    }
  }

  #unmap(inode: number, index: number): void {
    const key = regionKey(inode, index);
    const region = this.#regions.get(key);
    if (region === undefined) {
      this.#mailbox.post({ type: "unmapped", inode, index });
      return;
    }
    this.#regions.delete(key);
    this.#keeper.heat.close(region);
    // Whoever opens the region next waits for this, so it must not wait for a peer that does not read.
    this.#keeper.copyOut(region);
    this.#leaving.push(region);
  }

  #unmapIdle(): number {
    let work = 0;
    for (let i = this.#leaving.length - 1; i >= 0; i -= 1) {
      const region = this.#leaving[i] as WorkerRegion;
      if (region.syncing || this.#keeper.epochs.keeps(region)) continue;
      this.#leaving.splice(i, 1);
      this.#keeper.epochs.unmapped(region);
      this.#free(region);
      this.#mailbox.post({ type: "unmapped", inode: region.inode, index: region.index });
      work += 1;
    }
    return work;
  }

  #free(region: WorkerRegion): void {
    this.#keeper.notifications.unmapped(region);
    region.free();
  }

  /** Ends all sessions and unmaps all regions, and says so. */
  close(): void {
    for (const number of [...this.#sessions.keys()]) this.#endSession(number);
    for (const region of this.#leaving.splice(0)) {
      const { inode, index } = region;
      this.#free(region);
      this.#mailbox.post({ type: "unmapped", inode, index });
    }
    for (const region of this.#regions.values()) this.#free(region);
    this.#regions.clear();
    this.#mailbox.post({ type: "stopped" });
  }
}
