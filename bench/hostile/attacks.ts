import type { Address, Stream } from "../../src/ports/network.ts";
import { ENDED, WOULD_BLOCK } from "../../src/ports/network.ts";
import { systemMemory } from "../../src/system/memory.ts";
import { systemNetwork } from "../../src/system/network.ts";
import {
  encodeCommand,
  HEADER_BYTES,
  HEADER_WORDS,
  MAX_PAYLOAD_BYTES,
  OPCODE,
  TOKEN_BYTES,
} from "../../src/wire/header.ts";
import type { LeanSession, LeanSessions } from "../crowd/lean-sessions.ts";
import { type Attack, type Crowds, READ_BYTES } from "./hostile-messages.ts";

/** How often attackers act. What they do each time is bounded, so that they do not make up for a time they did not get. */
export const TICK_MS = 5;
/** Bytes that trickle, connections that come and go: 2,000 a second, as many as the door lets in. */
const BYTES_PER_TICK = 10;
const CONNECTIONS_PER_TICK = 10;
/** Gets of 1 MiB that a peer has under way which reads none of them. */
const UNREAD_GETS = 1000;

/** An attack that is under way. */
export interface Standing {
  /** Connections that it holds. */
  readonly held: number;
  act(): void;
  end(): void;
}

export interface AttackParts {
  /** Of the target's data plane. */
  readonly address: Address;
  readonly sessions: LeanSessions;
  readonly crowds: Crowds;
}

const NOTHING: Standing = { held: 0, act() {}, end() {} };

/** A command's header, with payload for a put. */
function command(opcode: number, handle: number, length: number): Uint8Array {
  const payloadBytes = opcode === OPCODE.GET ? 0 : length;
  const bytes = new Uint8Array(HEADER_BYTES + payloadBytes);
  const words = new Int32Array(bytes.buffer, 0, HEADER_WORDS);
  encodeCommand(
    words,
    0,
    opcode,
    0,
    1,
    handle,
    opcode === OPCODE.HELLO ? 0 : READ_BYTES,
    length,
    payloadBytes,
  );
  return bytes;
}

/** Sends what is taken at once. @returns how much that is, or ENDED */
function push(stream: Stream, bytes: Uint8Array, from = 0): number {
  const memory = systemMemory.borrow(bytes);
  let at = from;
  while (at < bytes.byteLength) {
    const taken = stream.send(memory, at, bytes.byteLength - at);
    if (taken === WOULD_BLOCK) break;
    if (taken === ENDED) return ENDED;
    at += taken;
  }
  return at - from;
}

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Peers with sessions of their own, which the target has let in. */
async function admitted(sessions: LeanSessions, count: number): Promise<readonly LeanSession[]> {
  await sessions.grow(count);
  for (const { connection } of sessions.all) {
    while (connection.outstanding > 0) {
      connection.poll();
      await pause();
    }
  }
  return sessions.all;
}

/** Connections whose places are taken by new ones. */
class Strangers {
  readonly #address: Address;
  readonly #streams: Stream[];
  #next = 0;

  constructor(address: Address, count: number) {
    this.#address = address;
    this.#streams = Array.from({ length: count }, () => systemNetwork.connect(address));
  }

  /** Each in turn. */
  next(): Stream {
    this.#next = (this.#next + 1) % this.#streams.length;
    return this.#streams[this.#next] as Stream;
  }

  /** Comes again in place of the one that had its turn last. */
  replace(): void {
    this.#streams[this.#next]?.close();
    this.#streams[this.#next] = systemNetwork.connect(this.#address);
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }
}

/** Connect and say nothing. Each comes again after as long as the target bears with it: about five seconds for 1,000. */
function strangers({ address, crowds }: AttackParts): Standing {
  const crowd = new Strangers(address, crowds.strangers);
  return {
    held: crowds.strangers,
    act() {
      crowd.next();
      crowd.replace();
    },
    end: () => crowd.close(),
  };
}

/** A byte at a time: strangers of their greeting, peers with a session of a put's payload. */
async function trickle({ address, crowds, sessions }: AttackParts): Promise<Standing> {
  const greeting = systemMemory.borrow(command(OPCODE.HELLO, 0, TOKEN_BYTES));
  const crowd = new Strangers(address, crowds.tricklingStrangers);
  const putting = await admitted(sessions, crowds.tricklingSessions);
  for (const { connection, binding } of putting) {
    push(connection.stream, command(OPCODE.PUT, binding.handle, MAX_PAYLOAD_BYTES).subarray(0, HEADER_BYTES));
  }
  const held = crowds.tricklingStrangers + putting.length;
  let turn = 0;
  return {
    held,
    act() {
      for (let i = 0; i < BYTES_PER_TICK; i++) {
        turn = (turn + 1) % held;
        const putter = putting[turn];
        if (putter !== undefined) putter.connection.stream.send(greeting, HEADER_BYTES, 1);
        // The first byte over and over: long before it makes a header the target has lost its patience.
        else if (crowd.next().send(greeting, 0, 1) === ENDED) crowd.replace();
      }
    },
    end: () => crowd.close(),
  };
}

/** Ask for a GiB each, and read nothing of it. */
async function neverRead({ crowds, sessions }: AttackParts): Promise<Standing> {
  const asking = await admitted(sessions, crowds.neverReading);
  const gets = asking.map(({ binding }) => command(OPCODE.GET, binding.handle, MAX_PAYLOAD_BYTES));
  for (const [i, { connection }] of asking.entries()) {
    for (let count = 0; count < UNREAD_GETS && push(connection.stream, gets[i] as Uint8Array) > 0; count++);
  }
  let turn = 0;
  return {
    held: asking.length,
    act() {
      turn = (turn + 1) % asking.length;
      push((asking[turn] as LeanSession).connection.stream, gets[turn] as Uint8Array);
    },
    end() {},
  };
}

/** Half of them in the middle of a put's payload, half in the middle of a get's: what is to be stopped. */
async function inTheMiddle({ crowds, sessions }: AttackParts): Promise<Standing> {
  const halfBytes = MAX_PAYLOAD_BYTES / 2;
  const sink = systemMemory.borrow(new Uint8Array(halfBytes));
  const peers = await admitted(sessions, crowds.stopped);
  for (const [i, { connection, binding }] of peers.entries()) {
    const { stream } = connection;
    const putting = i % 2 === 0;
    const whole = command(putting ? OPCODE.PUT : OPCODE.GET, binding.handle, MAX_PAYLOAD_BYTES);
    const bytes = putting ? whole.subarray(0, HEADER_BYTES + halfBytes) : whole;
    for (let sent = 0; sent < bytes.byteLength; await pause()) sent += push(stream, bytes, sent);
    if (putting) continue;
    for (let left = halfBytes; left > 0; await pause()) left -= Math.max(0, stream.recv(sink, 0, left));
  }
  return { ...NOTHING, held: peers.length };
}

/** Connect and close at once. */
function comeAndGo({ address }: AttackParts): Standing {
  return {
    ...NOTHING,
    act() {
      for (let i = 0; i < CONNECTIONS_PER_TICK; i++) systemNetwork.connect(address).close();
    },
  };
}

/** What attackers use of a processor, without a target: what is left of the rate beside it is the harness's own doing. */
function computing(part: number): Standing {
  return {
    ...NOTHING,
    act() {
      const untilMs = performance.now() + part * TICK_MS;
      while (performance.now() < untilMs);
    },
  };
}

/** @param part of a processor that computing takes */
export async function beginAttack(attack: Attack, part: number, parts: AttackParts): Promise<Standing> {
  switch (attack) {
    case "nobody":
      return NOTHING;
    case "strangers":
      return strangers(parts);
    case "trickle":
      return trickle(parts);
    case "never-read":
      return neverRead(parts);
    case "stopped":
      return inTheMiddle(parts);
    case "come-and-go":
      return comeAndGo(parts);
    case "computing":
      return computing(part);
  }
}
