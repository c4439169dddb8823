import { checkEpochs } from "../checkers/epochs.ts";
import { checkExclusion } from "../checkers/exclusion.ts";
import { checkCell } from "../checkers/flushes.ts";
import type { Verdict } from "../checkers/linearizability.ts";
import { checkNames } from "../checkers/namespace.ts";
import { checkNotifications } from "../checkers/notifications.ts";
import { checkRevocations } from "../checkers/revocation.ts";
import { checkWord } from "../checkers/words.ts";
import type { Book } from "../workloads/book.ts";
import { epochsOf } from "../workloads/epochs.ts";

/** Holds what clients saw against all checkers. @returns searches that gave up */
export function checkBook(book: Book): number {
  const { fail } = book;
  let undecided = 0;
  const judge = <I, O>(checker: string, about: string, verdict: Verdict<I, O>): void => {
    if (verdict.kind === "undecided") undecided += 1;
    if (verdict.kind === "violated") fail(checker, `${about}: ${told(verdict)}`);
  };
  for (const { path, words, accesses, revocations } of [...book.wordFiles, ...book.waitFiles]) {
    for (const [word, { operations }] of words.entries()) {
      judge("words", `${path}, word ${word}`, checkWord(operations));
    }
    failAny(fail, "revocation", checkRevocations(revocations, accesses));
  }
  for (const { path, cells, accesses, revocations } of book.cellFiles) {
    for (const [cell, operations] of cells.entries()) {
      const fault = checkCell(cell, operations);
      if (fault !== undefined) fail("flushes", `${path}: ${fault}`);
    }
    failAny(fail, "revocation", checkRevocations(revocations, accesses));
  }
  for (const { path, sections, accesses, revocations } of book.lockFiles) {
    for (const [word, done] of sections.entries()) {
      const fault = checkExclusion(done);
      if (fault !== undefined) fail("exclusion", `${path}, word ${word}: ${fault}`);
    }
    failAny(fail, "revocation", checkRevocations(revocations, accesses));
  }
  for (const file of book.epochFiles) {
    const { path, plan, words, accesses, revocations } = file;
    const { atomicity, isolation } = plan;
    const about = `${path}, atomicity ${atomicity}, isolation ${isolation}, ${plan.consistency}`;
    if (atomicity === "all") {
      const consistency = plan.consistency === "relaxed" ? "relaxed" : "release";
      const [anomaly] = checkEpochs(epochsOf(file), { isolation, consistency });
      if (anomaly !== undefined) fail("epochs", `${about}: ${anomaly.text}`);
    } else {
      for (const [word, { operations }] of words.entries()) {
        judge("epochs", `${about}, word ${word}`, checkWord(operations));
      }
    }
    failAny(fail, "revocation", checkRevocations(revocations, accesses));
  }
  for (const { path, attempts, lives, losses, accesses, revocations } of book.noticeFiles) {
    const fault = checkNotifications({ attempts: attempts.operations, lives, losses });
    if (fault !== undefined) fail("notifications", `${path}: ${fault}`);
    failAny(fail, "revocation", checkRevocations(revocations, accesses));
  }
  const directories = book.directories.map(({ path }) => path);
  for (const { path, history } of book.directories) {
    judge("namespace", path, checkNames(directories, history.operations));
  }
  return undecided;
}

function failAny(fail: Book["fail"], checker: string, fault: string | undefined): void {
  if (fault !== undefined) fail(checker, fault);
}

function told<I, O>({ placed, stuck }: Extract<Verdict<I, O>, { kind: "violated" }>): string {
  const calls = stuck.map(
    ({ client, input, output, invoked, returned, outcome }) =>
      `${client} ${JSON.stringify(input)} ${outcome === "done" ? `gives ${JSON.stringify(output)}` : outcome} (${invoked} to ${returned})`,
  );
  return `no order of the calls explains their results: after ${placed} of them none of these has a place: ${calls.join("; ")}`;
}
