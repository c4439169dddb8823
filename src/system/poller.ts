import { endianness } from "node:os";
import { type Poller, READABLE, type Source, type Waker, WRITABLE } from "../ports/poller.ts";
import { assert } from "../std/assert.ts";
import { ERRNO, lastErrno, systemError } from "./errno.ts";
import { addressOf, close, epollCreate1, epollCtl, epollWait, eventfd, eventfdWrite, fcntl } from "./libc.ts";

// <sys/epoll.h>, <sys/eventfd.h>, <fcntl.h>; the same on x86-64 and arm64.
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 0x1;
const EPOLLOUT = 0x4;
const EPOLLET = 0x80000000;
const EFD_NONBLOCK = 0o4000;
const EFD_CLOEXEC = 0o2000000;
const F_DUPFD_CLOEXEC = 1030;

// struct epoll_event { u32 events; u64 data } is packed on x86-64 only. We keep i32 tokens in the data's low word.
const EVENT_WORDS = process.arch === "x64" ? 3 : 4;
const TOKEN_AT = process.arch === "x64" ? 1 : 2;
assert(endianness() === "LE", "the low word of a u64 comes first");

/** Sources reported by one wait; more stay ready and are reported by the next. */
const EVENTS_MAX = 256;

/** The eventfd's own word beside the token, which tells it from sources: they have 0 there. */
const WAKE_MARK = 1;

class EpollPoller implements Poller {
  readonly ready: Int32Array = new Int32Array(EVENTS_MAX);
  readonly #events = new Int32Array(EVENTS_MAX * EVENT_WORDS);
  readonly #eventsAddress: number = addressOf(new Uint8Array(this.#events.buffer));
  readonly #change = new Int32Array(EVENT_WORDS);
  readonly #changeAddress: number = addressOf(new Uint8Array(this.#change.buffer));
  #epoll: number;
  #wake: number;

  constructor() {
    this.#epoll = epollCreate1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw systemError("create an epoll");
    this.#wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (this.#wake < 0) {
      const error = systemError("create an eventfd");
      close(this.#epoll);
      throw error;
    }
    // Edge-triggered: each wake is reported once, and nobody needs to read the eventfd (its counter has room for
    // 2^64 wakes).
    this.#control(EPOLL_CTL_ADD, this.#wake, EPOLLIN | EPOLLET, 0, WAKE_MARK);
  }

  get wakeDescriptor(): number {
    return this.#wake;
  }

  watch(source: Source, interest: number, token: number): void {
    assert(source.descriptor >= 0, "an open source is watched");
    // Even without interest epoll would report a peer's hang-up, again and again: pausing means leaving.
    if (interest === 0) {
      this.unwatch(source);
      return;
    }
    const events = (interest & READABLE ? EPOLLIN : 0) | (interest & WRITABLE ? EPOLLOUT : 0);
    // The kernel forgets a descriptor that was closed, so only the kernel knows whether this one is new.
    if (this.#tryControl(EPOLL_CTL_MOD, source.descriptor, events, token, 0) === ERRNO.ENOENT) {
      this.#control(EPOLL_CTL_ADD, source.descriptor, events, token, 0);
    }
  }

  unwatch(source: Source): void {
    // A closed source has left by itself.
    if (source.descriptor < 0) return;
    const errno = this.#tryControl(EPOLL_CTL_DEL, source.descriptor, 0, 0, 0);
    assert(errno === 0 || errno === ERRNO.ENOENT, "a source can be unwatched");
  }

  wait(timeoutMs: number): number {
    // Rounded up: a wait that ends before its time would be repeated until the time has come.
    const found = epollWait(this.#epoll, this.#eventsAddress, EVENTS_MAX, Math.ceil(timeoutMs));
    if (found <= 0) {
      if (found < 0) assert(lastErrno() === ERRNO.EINTR, "a poller that is open can wait");
      return 0;
    }
    let count = 0;
    for (let at = TOKEN_AT; at < found * EVENT_WORDS; at += EVENT_WORDS) {
      if (this.#events[at + 1] === WAKE_MARK) continue;
      this.ready[count] = this.#events[at] as number;
      count += 1;
    }
    return count;
  }

  close(): void {
    if (this.#epoll < 0) return;
    close(this.#epoll);
    close(this.#wake);
    this.#epoll = -1;
    this.#wake = -1;
  }

  #tryControl(operation: number, descriptor: number, events: number, token: number, mark: number): number {
    this.#change[0] = events;
    this.#change[TOKEN_AT] = token;
    this.#change[TOKEN_AT + 1] = mark;
    return epollCtl(this.#epoll, operation, descriptor, this.#changeAddress) === 0 ? 0 : lastErrno();
  }

  #control(operation: number, descriptor: number, events: number, token: number, mark: number): void {
    const errno = this.#tryControl(operation, descriptor, events, token, mark);
    if (errno !== 0) throw systemError(`watch descriptor ${descriptor}`, errno);
  }
}

/** @throws ERR_TOO_MANY when the process has no descriptors left */
export function createPoller(): Poller {
  return new EpollPoller();
}

/** A waker holds a descriptor of its own until it is closed. */
export interface SystemWaker extends Waker {
  close(): void;
}

/**
 * Ends waits of the poller whose `wakeDescriptor` is given, from any thread of this process. It keeps its own copy of
 * the descriptor: when the poller is gone, waking does nothing, and never writes into what got that number next.
 * @throws ERR_TOO_MANY when the process has no descriptors left
 */
export function createWaker(wakeDescriptor: number): SystemWaker {
  let own = fcntl(wakeDescriptor, F_DUPFD_CLOEXEC, 0);
  if (own < 0) throw systemError("copy a poller's wake descriptor");
  return {
    wake(): void {
      if (own >= 0) eventfdWrite(own, 1);
    },
    close(): void {
      if (own >= 0) close(own);
      own = -1;
    },
  };
}
