import type { Borrowed } from "../ports/memory.ts";
import { DESCRIPTOR_LOST, type Segments } from "../ports/network.ts";
import { assert } from "../std/assert.ts";
import { addressOf, close } from "./libc.ts";

/**
 * The one msghdr of this thread with its vector of runs and its control bytes. Calls never overlap on a thread, so
 * all its streams share it; each call writes what it needs.
 *
 *     byte 0    struct msghdr (56): name u64, namelen u32, pad, iov u64, iovlen u64, control u64, controllen u64, flags i32
 *     byte 64   struct iovec × 512: base u64, length u64 (the kernel takes 1,024)
 *     byte 8256 one control message: len u64, level i32, type i32, descriptors i32 × 4
 *
 * Source: <bits/socket.h>, <bits/types/struct_iovec.h>; the same on x86-64 and arm64.
 */
const RUNS_MAX = 512;
const DESCRIPTORS_MAX = 4;
const IOV_AT = 64 / 4;
const CONTROL_AT = IOV_AT + RUNS_MAX * 4;
const CONTROL_DATA_AT = CONTROL_AT + 4;
const CONTROL_HEADER_BYTES = 16;
const WORDS = CONTROL_DATA_AT + DESCRIPTORS_MAX;

// Word positions in msghdr.
const MSG_IOV = 4;
const MSG_IOV_COUNT = 6;
const MSG_CONTROL = 8;
const MSG_CONTROL_BYTES = 10;
const MSG_FLAGS = 12;

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** Control data were lost: here, descriptors that this process has no room for. */
const MSG_CTRUNC = 8;
const HIGH = 0x1_0000_0000;

const words = new Uint32Array(WORDS);
/** Where the msghdr lies, for sendmsg and recvmsg. */
export const headerAddress: number = addressOf(new Uint8Array(words.buffer));

function setAddress(at: number, value: number): void {
  words[at] = value >>> 0;
  words[at + 1] = Math.floor(value / HIGH);
}

setAddress(MSG_IOV, headerAddress + IOV_AT * 4);

function setRun(index: number, address: number, length: number): void {
  const at = IOV_AT + index * 4;
  setAddress(at, address);
  setAddress(at + 2, length);
}

/**
 * Ends the call where bytes of a memory do not exist (any more): the kernel would read or write whatever lies there.
 * Memory that was freed and buffers that were detached have no bytes.
 */
export function checkRun(memory: Borrowed, at: number, length: number): void {
  assert(at >= 0 && length >= 1 && at + length <= memory.u8.byteLength, "bytes lie inside their memory");
}

/** Prepares a message of at most `byteMax` bytes (at least 1) from the front of `segments`, without control bytes. */
export function setSegments(segments: Segments, byteMax: number): void {
  const { capacity, memories, starts, lengths } = segments;
  const countMax = Math.min(segments.count, RUNS_MAX);
  let count = 0;
  let left = byteMax;
  for (let from = segments.first; count < countMax && left > 0; count += 1) {
    const memory = memories[from] as Borrowed;
    const start = starts[from] as number;
    const length = Math.min(lengths[from] as number, left);
    checkRun(memory, start, length);
    setRun(count, memory.address + start, length);
    left -= length;
    from = from + 1 === capacity ? 0 : from + 1;
  }
  words[MSG_IOV_COUNT] = count;
  setAddress(MSG_CONTROL, 0);
  words[MSG_CONTROL_BYTES] = 0;
}

/** Prepares a message of one run with a descriptor beside it. */
export function setRunWithDescriptor(address: number, length: number, descriptor: number): void {
  setRunWithControl(address, length, CONTROL_HEADER_BYTES + 8);
  words[CONTROL_AT] = CONTROL_HEADER_BYTES + 4;
  words[CONTROL_AT + 1] = 0;
  words[CONTROL_AT + 2] = SOL_SOCKET;
  words[CONTROL_AT + 3] = SCM_RIGHTS;
  words[CONTROL_DATA_AT] = descriptor;
}

/** Prepares to receive one run and up to four descriptors; the kernel closes any that find no room. */
export function setRunWithRoomForDescriptors(address: number, length: number): void {
  setRunWithControl(address, length, CONTROL_HEADER_BYTES + DESCRIPTORS_MAX * 4);
}

function setRunWithControl(address: number, length: number, controlBytes: number): void {
  setRun(0, address, length);
  words[MSG_IOV_COUNT] = 1;
  setAddress(MSG_CONTROL, headerAddress + CONTROL_AT * 4);
  words[MSG_CONTROL_BYTES] = controlBytes;
}

/**
 * Moves the descriptors that came with the message just received into `queue`, closing those above `countMax`. Where
 * none of them could be installed, one DESCRIPTOR_LOST takes their place; we pass one a message.
 */
export function takeDescriptors(queue: number[], countMax: number): void {
  if ((words[MSG_CONTROL_BYTES] as number) < CONTROL_HEADER_BYTES) {
    const isLost = ((words[MSG_FLAGS] as number) & MSG_CTRUNC) !== 0;
    if (isLost && queue.length < countMax) queue.push(DESCRIPTOR_LOST);
    return;
  }
  if (words[CONTROL_AT + 2] !== SOL_SOCKET || words[CONTROL_AT + 3] !== SCM_RIGHTS) return;
  const count = ((words[CONTROL_AT] as number) - CONTROL_HEADER_BYTES) >>> 2;
  for (let index = 0; index < count; index += 1) {
    const descriptor = words[CONTROL_DATA_AT + index] as number;
    if (queue.length < countMax) queue.push(descriptor);
    else close(descriptor);
  }
}
