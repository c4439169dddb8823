import type { Mailbox } from "../ports/mailbox.ts";
import type { MemoryPort } from "../ports/memory.ts";
import { isDidafsError, statusOf } from "../std/errors.ts";
import { ACCUMULATE_PAYLOAD, type Connection, PUT_PAYLOAD } from "./connection.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { INPUT_OUTPUT, OK, REVOKED, UNBOUND } from "./statuses.ts";
import { regionKey, WorkerRegion } from "./worker-region.ts";
import { WorkerSession } from "./worker-session.ts";

/** What the registry needs of the worker's connections. */
export interface ConnectionKeeper {
  connectionAt(slot: number): Connection | undefined;
  closeConnection(connection: Connection): void;
  /** Copies what is still to be sent from the region. */
  copyOut(region: WorkerRegion): void;
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
    for (let order = this.#mailbox.poll(); order !== undefined; order = this.#mailbox.poll()) {
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

  regionFailed(region: WorkerRegion, errno: number): void {
    this.#mailbox.post({ type: "region-failed", inode: region.inode, index: region.index, errno });
  }

  #carryOut(order: ToWorker): void {
    switch (order.type) {
      case "session-open":
        this.#sessions.set(order.session, new WorkerSession(order.session, order.token));
        return;
      case "session-close":
        this.#endSession(order.session);
        this.#mailbox.post({ type: "session-closed", session: order.session });
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
        this.#unbind(order.session, order.handle, order.revoked);
        this.#mailbox.post({ type: "unbound", session: order.session, handle: order.handle });
        return;
      case "resize":
        this.#mailbox.post({
          type: "resized",
          inode: order.inode,
          index: order.index,
          status: this.#resize(order),
        });
        return;
      case "fail": {
        const region = this.#regions.get(regionKey(order.inode, order.index));
        if (region !== undefined) region.failed = true;
        return;
      }
      case "unmap":
        this.#unmap(order.inode, order.index);
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
    const key = regionKey(order.region.inode, order.region.index);
    let region = this.#regions.get(key);
    if (region === undefined) {
      try {
        region = new WorkerRegion(order.region, this.#memoryPort);
      } catch (error) {
        return isDidafsError(error) ? statusOf(error.code) : INPUT_OUTPUT;
      }
      this.#regions.set(key, region);
    }
    session.domain.bind({ handle, region, base: at, byteLength, rights }, region.byteLength);
    return OK;
  }

  #resize(order: ToWorker & { type: "resize" }): number {
    const region = this.#regions.get(regionKey(order.inode, order.index));
    if (region === undefined) return OK;
    const { byteLength, mappedBytes } = order;
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
    return OK;
  }

  #unbind(number: number, handle: number, revoked: boolean): void {
    const session = this.#sessions.get(number);
    if (session === undefined) return;
    session.domain.unbind(handle);
    if (revoked) session.revoke(handle);
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
    // Whoever opens the region next waits for this, so it must not wait for a peer that does not read.
    this.#keeper.copyOut(region);
    this.#leaving.push(region);
  }

  #unmapIdle(): number {
    let work = 0;
    for (let i = this.#leaving.length - 1; i >= 0; i -= 1) {
      const region = this.#leaving[i] as WorkerRegion;
      if (region.syncing) continue;
      this.#leaving.splice(i, 1);
      this.#memoryPort.free(region.memory);
      this.#mailbox.post({ type: "unmapped", inode: region.inode, index: region.index });
      work += 1;
    }
    return work;
  }

  /** Ends all sessions and unmaps all regions, and says so. */
  close(): void {
    for (const number of [...this.#sessions.keys()]) this.#endSession(number);
    for (const { memory, inode, index } of this.#leaving.splice(0)) {
      this.#memoryPort.free(memory);
      this.#mailbox.post({ type: "unmapped", inode, index });
    }
    for (const { memory } of this.#regions.values()) this.#memoryPort.free(memory);
    this.#regions.clear();
    this.#mailbox.post({ type: "stopped" });
  }
}
