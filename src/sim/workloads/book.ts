import type { Layout } from "../../wire/control.ts";
import type { Epoch } from "../checkers/epoch-history.ts";
import type { Section } from "../checkers/exclusion.ts";
import type { CellOperation } from "../checkers/flushes.ts";
import type { NameInput, NameOutput } from "../checkers/namespace.ts";
import type { Notifying, NotifyingOutput, QueueLife } from "../checkers/notification-history.ts";
import type { AccessOperation, RevokeOperation } from "../checkers/revocation.ts";
import type { WordInput, WordOutput } from "../checkers/words.ts";
import type { History, Sequence } from "../history.ts";
import type { SimRandom } from "../random.ts";
import type { EpochPlan, FilePlan } from "../run/options.ts";

export const STRIPE_BYTES = 4096;
/** Bytes of a cell; it lies inside one sector and one stripe unit. */
export const CELL_BYTES = 64;

/** A file that clients work on, and what they saw of it. */
export interface BookedFile {
  readonly path: string;
  readonly plan: FilePlan;
  readonly byteLength: number;
  /** Once it is made. */
  layout: Layout | undefined;
  readonly accesses: AccessOperation[];
  readonly revocations: RevokeOperation[];
}

export interface WordFile extends BookedFile {
  /** Where each word lies. */
  readonly places: readonly number[];
  readonly words: readonly History<WordInput, WordOutput>[];
  /** Values that are stored are all different. */
  nextValue: number;
}

/** Words that clients hand round. */
export interface WaitFile extends WordFile {
  /** How many clients there are: the one whose turn it is is what is left of the word divided by that. */
  readonly players: number;
}

export interface CellFile extends BookedFile {
  /** The number of the client that writes. */
  readonly writer: number;
  readonly cells: readonly CellOperation[][];
  nextStamp: number;
}

/** Who believes that he holds a lock. */
export interface Believer {
  readonly client: string;
  readonly word: number;
  readonly mode: Section["mode"];
  /** Its process runs, was never stopped since, and has not been told that the lock is lost. */
  believes(): boolean;
}

export interface LockFile extends BookedFile {
  readonly places: readonly number[];
  readonly believers: Set<Believer>;
  /** What was done to each word under locks. */
  readonly sections: readonly Section[][];
  /** How often each target's machine has lost power. */
  readonly losses: Map<string, number>;
  nextValue: number;
}

/** When the body of an epoch ran: meanwhile it has what it has locked. */
export interface BodySpan {
  readonly client: string;
  readonly writes: boolean;
  readonly began: number;
  /** Infinity while it runs. */
  ended: number;
}

export interface EpochFile extends BookedFile {
  readonly plan: EpochPlan;
  /** Where each word lies, in a line of its own. */
  readonly places: readonly number[];
  readonly epochs: Epoch[];
  readonly bodies: BodySpan[];
  /** Accesses to each word that took effect on their own: looks by no epoch, and all of epochs without atomicity. */
  readonly words: readonly History<WordInput, WordOutput>[];
  /** What was written outside of epochs, and is not known to be stable. */
  readonly unstable: Set<number>;
  /** Values that are written are all different. */
  nextValue: number;
}

/** Where one client puts what it tells others of. */
export interface NoticeSlot {
  readonly client: number;
  readonly at: number;
  readonly length: number;
}

/** A file whose bytes are told of. */
export interface NoticeFile extends BookedFile {
  readonly slots: readonly NoticeSlot[];
  readonly attempts: History<Notifying, NotifyingOutput>;
  readonly lives: QueueLife[];
  /** When bytes were lost with power. */
  readonly losses: number[];
  /** What clients are known by, in all of their lives. */
  readonly sources: Set<string>;
  /** Numbers of accesses are all different. */
  nextNumber: number;
}

export interface NameDirectory {
  readonly path: string;
  readonly history: History<NameInput, NameOutput>;
}

/** What all clients of a run share: it outlives their processes. */
export interface Book {
  readonly sequence: Sequence;
  readonly random: SimRandom;
  readonly wordFiles: readonly WordFile[];
  readonly cellFiles: readonly CellFile[];
  readonly lockFiles: readonly LockFile[];
  readonly epochFiles: readonly EpochFile[];
  readonly directories: readonly NameDirectory[];
  readonly waitFiles: readonly WaitFile[];
  readonly noticeFiles: readonly NoticeFile[];
  readonly revokesPerMinute: number;
  readonly pauseMs: number;
  /** The faults are over: whoever works comes to an end. */
  ending: boolean;
  /** Numbers of clients that have shown that everything works again. */
  readonly proven: Set<number>;
  /** Told of each stable flush that has succeeded, and of some of the epochs. */
  onFlushed: (file: BookedFile) => void;
  readonly note: (who: string, what: string) => void;
  /** Something that must not happen. */
  readonly fail: (checker: string, message: string) => void;
}

/** The target that the byte at `at` lies on. */
export function targetOf({ layout }: BookedFile, at: number): string | undefined {
  const regions = layout?.regions ?? [];
  return regions[Math.floor(at / STRIPE_BYTES) % regions.length]?.target;
}
