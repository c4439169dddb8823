import assert from "node:assert/strict";
import { BREACHES, type Breach, STATUS, statusName } from "./oracle/statuses.ts";
import { ANSWERS, type KINDS } from "./wire/epoch-payload.ts";
import { OPCODES, opcodeName } from "./wire/frame.ts";

const AT_LEAST = 100;

/** Each kind of message about an epoch, and what it may be told; what is refused for its bindings besides. And members of groups. */
const TELLINGS: readonly string[] = [
  "nonsense: PROTOCOL",
  "MORE: OK",
  "MORE: TOO_MANY",
  ...["PREPARED", "ABORTED", "CONFLICT", "REFUSED", "FULL"].map((answer) => `PREPARE: ${answer}`),
  ...["UNBOUND", "RIGHTS", "RANGE", "NOT_DURABLE"].map((status) => `PREPARE: ${status}`),
  ...["COMMITTED", "ABORTED", "CONFLICT", "REFUSED"].map((answer) => `COMMIT_ALONE: ${answer}`),
  ...["UNBOUND", "RIGHTS", "RANGE", "NOT_DURABLE", "REVOKED"].map((status) => `COMMIT_ALONE: ${status}`),
  "VALIDATE: COMMITTED",
  "VALIDATE: CONFLICT",
  "VALIDATE: PROTOCOL",
  "DECIDE: COMMITTED",
  "DECIDE: ABORTED",
  "DECIDE: TOO_MANY",
  "FINISH_COMMITTED: COMMITTED",
  "FINISH_COMMITTED: REFUSED",
  "FINISH_ABORTED: ABORTED",
  "FINISH_ABORTED: REFUSED",
  "LEAVE: OK",
  "ACKNOWLEDGE: OK",
  "ACKNOWLEDGE: PROTOCOL",
  ...["OK", "TOO_MANY", "PROTOCOL", "INVALID_ARGUMENT", "RANGE", "UNBOUND"].map(
    (status) => `OPEN: ${status}`,
  ),
  "NOTIFY: OK",
  "NOTIFY: TOO_MANY",
  "NEXT: OK",
  "NEXT: UNBOUND",
  "NEXT: TOO_MANY",
  ...["OK", "ABORTED", "GROUP_ENDED", "GROUP_TAKEN", "INVALID_ARGUMENT", "TIMEOUT", "TOO_MANY"].map(
    (status) => `JOIN: ${status}`,
  ),
  ...["OK", "ABORTED", "GROUP_ENDED", "INVALID_ARGUMENT", "TIMEOUT", "UNBOUND"].map(
    (status) => `BARRIER: ${status}`,
  ),
];
/** What these kinds are told is a status alone. */
const WITHOUT_VALUE: readonly string[] = [
  ...(["MORE", "LEAVE", "ACKNOWLEDGE"] satisfies (keyof typeof KINDS)[]),
  // Of queues.
  "OPEN",
  "NOTIFY",
  "NEXT",
  // Of groups.
  "JOIN",
  "BARRIER",
];

/** What a run has reached. A frame counts once the target has shown what it made of it: an answer, or an end. */
export class Tally {
  frames = 0;
  /** Frames whose header was well formed. */
  passed = 0;
  sessions = 0;
  connections = 0;
  checks = 0;
  victimFrames = 0;
  /** By number. */
  readonly #opcodes = new Float64Array(256);
  readonly #statuses = new Float64Array(256);
  readonly #tellings = new Map<string, number>();
  readonly breaches: Map<string, number> = new Map<string, number>();
  /** How sessions ended, and other things worth knowing. */
  readonly events: Map<string, number> = new Map<string, number>();

  answered(opcode: number, status: number): void {
    this.frames += 1;
    // What was turned away for its version has a header of another version, which is not this one's.
    if (status !== STATUS.VERSION) {
      this.passed += 1;
      this.#opcodes[opcode] = (this.#opcodes[opcode] as number) + 1;
    }
    this.#statuses[status] = (this.#statuses[status] as number) + 1;
  }

  /** Of a message about an epoch, or a group: what kind of message, and what came of it. */
  told(what: string, status: number, value: number): void {
    const isPlain = status !== STATUS.OK || WITHOUT_VALUE.includes(what);
    const answer = Object.entries(ANSWERS).find(([, number]) => number === value)?.[0] ?? String(value);
    add(this.#tellings, `${what}: ${isPlain ? statusName(status) : answer}`);
  }

  breached(breach: Breach, passed: boolean): void {
    this.frames += 1;
    if (passed) this.passed += 1;
    add(this.breaches, breach);
  }

  event(name: string): void {
    add(this.events, name);
  }

  /** What was not reached often enough. */
  missing(statuses: readonly string[]): string[] {
    const few = (counts: Map<string, number>, names: readonly string[]): string[] =>
      names
        .filter((name) => (counts.get(name) ?? 0) < AT_LEAST)
        .map((name) => `${name}: ${counts.get(name) ?? 0}`);
    return [
      ...few(named(this.#opcodes, opcodeName), Object.keys(OPCODES)),
      ...few(named(this.#statuses, statusName), statuses),
      ...few(this.breaches, BREACHES),
      ...few(this.#tellings, TELLINGS),
    ];
  }

  assertReached(framesMin: number, statuses: readonly string[]): void {
    assert.deepEqual(
      this.missing(statuses),
      [],
      `every opcode, status and breach at least ${AT_LEAST} times`,
    );
    assert.ok(this.frames >= framesMin, `${this.frames} frames of ${framesMin}`);
    assert.ok(this.passed >= 0.3 * this.frames, `${this.passed} of ${this.frames} passed the header checks`);
  }

  lines(seconds: number): string[] {
    const share = ((100 * this.passed) / Math.max(1, this.frames)).toFixed(1);
    const perSecond = Math.round(this.frames / seconds);
    const listed = (counts: Map<string, number>): string =>
      [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
    return [
      `${this.frames} frames in ${seconds.toFixed(1)} s (${perSecond} a second), ${share} % passed the header checks`,
      `${this.sessions} sessions, ${this.connections} connections, ${this.checks} looks at the canaries, ${this.victimFrames} frames of the victim`,
      `opcodes: ${listed(named(this.#opcodes, opcodeName))}`,
      `statuses: ${listed(named(this.#statuses, statusName))}`,
      `epochs and groups: ${listed(this.#tellings)}`,
      `breaches: ${listed(this.breaches)}`,
      `events: ${listed(this.events)}`,
    ];
  }
}

function named(counts: Float64Array, nameOf: (number: number) => string): Map<string, number> {
  const entries = [...counts.entries()].filter(([, count]) => count > 0);
  return new Map(entries.map(([number, count]) => [nameOf(number), count]));
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
