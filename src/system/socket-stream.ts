import type { Borrowed } from "../ports/memory.ts";
import {
  type Credentials,
  DESCRIPTOR_LOST,
  ENDED,
  type Segments,
  type Stream,
  WOULD_BLOCK,
} from "../ports/network.ts";
import { assert } from "../std/assert.ts";
import { ERRNO, lastErrno } from "./errno.ts";
import { addressOf, close, getsockopt, recv, recvmsg, send, sendmsg, shutdown } from "./libc.ts";
import {
  checkRun,
  headerAddress,
  setRunWithDescriptor,
  setRunWithRoomForDescriptors,
  setSegments,
  takeDescriptors,
} from "./message-header.ts";
import { AF_UNIX } from "./socket-address.ts";

// <sys/socket.h>; the same on x86-64 and arm64.
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;
const RECEIVE_FLAGS = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_DOMAIN = 39;
const SHUT_WR = 1;

/** Descriptors kept for `takeDescriptor`; a peer that passes more before they are taken loses the rest. */
const DESCRIPTORS_WAITING_MAX = 16;

const { EAGAIN, EINTR, EINPROGRESS, ENOBUFS, ENOMEM, EBADF, ENOTSOCK } = ERRNO;
/** <asm-generic/errno.h>; Node does not know it. */
const ETOOMANYREFS = 109;

/**
 * What a failed call means. A socket whose connection is still being made answers EAGAIN; once that has failed, the
 * next call gets the reason. Out of memory (ENOBUFS, ENOMEM) and too many descriptors on their way pass. EFAULT is a
 * page of a mapped file that cannot be had, because of a medium's error or because the file was cut short: it ends the
 * stream that asked for it, and no other (checkRun keeps addresses of ours right).
 */
function failure(errno: number): number {
  switch (errno) {
    case EAGAIN:
    case EINTR:
    case EINPROGRESS:
    case ENOBUFS:
    case ENOMEM:
    case ETOOMANYREFS:
      return WOULD_BLOCK;
    default:
      assert(errno !== EBADF && errno !== ENOTSOCK, "a stream calls with what it owns");
      return ENDED;
  }
}

// struct ucred { i32 pid; u32 uid; u32 gid }, and the option's length behind it.
const option = new Uint32Array(4);
const optionAddress = addressOf(new Uint8Array(option.buffer));
const OPTION_LENGTH_AT = 3;

function readOption(descriptor: number, name: number): boolean {
  option[OPTION_LENGTH_AT] = OPTION_LENGTH_AT * 4;
  return getsockopt(descriptor, SOL_SOCKET, name, optionAddress, optionAddress + OPTION_LENGTH_AT * 4) === 0;
}

function credentialsOf(descriptor: number): Credentials | undefined {
  if (!readOption(descriptor, SO_DOMAIN) || option[0] !== AF_UNIX) return undefined;
  if (!readOption(descriptor, SO_PEERCRED)) return undefined;
  return { pid: option[0] as number, uid: option[1] as number };
}

/** A connected socket, TCP or unix. `descriptor` is -1 once it is closed, so that a number used again is never touched. */
export class SocketStream implements Stream {
  readonly credentials: Credentials | undefined;
  readonly #descriptors: number[] | undefined;
  #descriptor: number;
  #ended = false;

  /** Takes over `descriptor`. @param acceptDescriptors whether descriptors that the peer passes are kept */
  constructor(descriptor: number, acceptDescriptors: boolean) {
    this.#descriptor = descriptor;
    this.#descriptors = acceptDescriptors ? [] : undefined;
    this.credentials = credentialsOf(descriptor);
  }

  get descriptor(): number {
    return this.#descriptor;
  }

  recv(memory: Borrowed, at: number, length: number): number {
    if (this.#ended) return ENDED;
    checkRun(memory, at, length);
    // Plain recv makes the kernel close descriptors that came with the bytes.
    if (this.#descriptors !== undefined) return this.#recvMessage(memory, at, length);
    const received = recv(this.#descriptor, memory.address + at, length, MSG_DONTWAIT);
    if (received > 0) return received;
    if (received < 0 && failure(lastErrno()) === WOULD_BLOCK) return WOULD_BLOCK;
    return this.#settled(
      received === 0 ? 0 : recv(this.#descriptor, memory.address + at, length, MSG_DONTWAIT),
    );
  }

  #recvMessage(memory: Borrowed, at: number, length: number): number {
    setRunWithRoomForDescriptors(memory.address + at, length);
    const received = recvmsg(this.#descriptor, headerAddress, RECEIVE_FLAGS);
    if (received <= 0) return this.#notReceived(received);
    takeDescriptors(this.#descriptors as number[], DESCRIPTORS_WAITING_MAX);
    return received;
  }

  send(memory: Borrowed, at: number, length: number): number {
    if (this.#ended) return ENDED;
    checkRun(memory, at, length);
    const taken = send(this.#descriptor, memory.address + at, length, SEND_FLAGS);
    if (taken > 0) return taken;
    if (failure(lastErrno()) === WOULD_BLOCK) return WOULD_BLOCK;
    return this.#settled(send(this.#descriptor, memory.address + at, length, SEND_FLAGS));
  }

  sendSegments(segments: Segments, byteMax: number): number {
    if (this.#ended) return ENDED;
    setSegments(segments, byteMax);
    const taken = sendmsg(this.#descriptor, headerAddress, SEND_FLAGS);
    if (taken > 0) return taken;
    if (failure(lastErrno()) === WOULD_BLOCK) return WOULD_BLOCK;
    return this.#settled(sendmsg(this.#descriptor, headerAddress, SEND_FLAGS));
  }

  sendDescriptor(memory: Borrowed, at: number, length: number, descriptor: number): number {
    if (this.#ended) return ENDED;
    assert(this.credentials !== undefined, "descriptors travel on unix streams only");
    checkRun(memory, at, length);
    setRunWithDescriptor(memory.address + at, length, descriptor);
    const taken = sendmsg(this.#descriptor, headerAddress, SEND_FLAGS);
    return taken > 0 ? taken : this.#notTaken();
  }

  takeDescriptor(): number | undefined {
    return this.#descriptors?.shift();
  }

  endSending(): void {
    // Where the peer has gone already it fails, and there is nothing to end.
    if (this.#descriptor >= 0) shutdown(this.#descriptor, SHUT_WR);
  }

  close(): void {
    if (this.#descriptor < 0) return;
    close(this.#descriptor);
    this.#descriptor = -1;
    this.#ended = true;
    for (const descriptor of this.#descriptors?.splice(0) ?? []) {
      if (descriptor !== DESCRIPTOR_LOST) close(descriptor);
    }
  }

  /**
   * The result of a call that was made again, because the first one seemed to end the stream. Between a call and the
   * reading of its errno the engine may run code of its own on this thread, which may leave another number there; a
   * stream that has ended fails again.
   */
  #settled(result: number): number {
    return result > 0 ? result : this.#notReceived(result);
  }

  #notReceived(received: number): number {
    const result = received === 0 ? ENDED : failure(lastErrno());
    if (result === ENDED) this.#ended = true;
    return result;
  }

  #notTaken(): number {
    const result = failure(lastErrno());
    if (result === ENDED) this.#ended = true;
    return result;
  }
}
