/** Every mapping of a region that a worker makes lies between two pages that nobody can touch. */
import { isMainThread } from "node:worker_threads";
import type { Memory, MemoryPort } from "../../../src/ports/memory.ts";
import { bytesAt, mmap, munmap } from "../../../src/system/libc.ts";
import { systemMemory } from "../../../src/system/memory.ts";

// <sys/mman.h>
const PROT_NONE = 0;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const PAGE = 4096;

const guarded = new WeakMap<Memory, { start: number; byteLength: number }>();

const map: MemoryPort["map"] = (descriptor, offset, byteLength, writable) => {
  const pages = Math.ceil(byteLength / PAGE) * PAGE;
  const start = mmap(0, pages + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const address = mmap(start + PAGE, byteLength, protection, MAP_SHARED | MAP_FIXED, descriptor, offset);
  if (address !== start + PAGE) throw new Error("no guard pages");
  const buffer = bytesAt(address, byteLength);
  const memory = {
    address,
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer, 0, Math.floor(byteLength / 4)),
    u32: new Uint32Array(buffer, 0, Math.floor(byteLength / 4)),
    i64: new BigInt64Array(buffer, 0, Math.floor(byteLength / 8)),
    u64: new BigUint64Array(buffer, 0, Math.floor(byteLength / 8)),
  };
  guarded.set(memory, { start, byteLength: pages + 2 * PAGE });
  return memory;
};

const { free } = systemMemory;

if (!isMainThread) {
  Object.assign(systemMemory, {
    map,
    free(memory: Memory): void {
      const guard = guarded.get(memory);
      if (guard === undefined) free.call(systemMemory, memory);
      else {
        memory.u8.buffer.transfer(0);
        munmap(guard.start, guard.byteLength);
      }
    },
  });
}
