import { type Book, type BookedFile, CELL_BYTES, targetOf } from "../workloads/book.ts";

/** The target's machine has lost power: what lies there is not what it was any more. */
export function noteLoss(book: Book, target: string): void {
  const isThere = (file: BookedFile, at: number) => targetOf(file, at) === target;
  for (const file of [...book.wordFiles, ...book.epochFiles, ...book.waitFiles]) {
    for (const [word, history] of file.words.entries()) {
      if (isThere(file, file.places[word] as number))
        history.end(history.begin("world", { op: "loss" }), null);
    }
  }
  for (const { losses } of book.noticeFiles) losses.push(book.sequence.next());
  for (const { losses } of book.lockFiles) losses.set(target, (losses.get(target) ?? 0) + 1);
  const at = book.sequence.next();
  const loss = { client: "world", input: { op: "loss" }, invoked: at, returned: at } as const;
  for (const file of book.cellFiles) {
    for (const [cell, operations] of file.cells.entries()) {
      if (isThere(file, cell * CELL_BYTES)) operations.push({ ...loss, outcome: "done", output: null });
    }
  }
}

/** Calls that clients made. */
export function operationCount(book: Book): number {
  const words = [...book.wordFiles, ...book.waitFiles].flatMap((file) =>
    file.words.map(({ operations }) => operations.length),
  );
  const names = book.directories.map(({ history }) => history.operations.length);
  const accesses = [...book.cellFiles, ...book.lockFiles].map((file) => file.accesses.length);
  const epochs = book.epochFiles.map((file) => file.epochs.length);
  const notices = book.noticeFiles.map(({ attempts }) => attempts.operations.length);
  return [...words, ...names, ...accesses, ...epochs, ...notices].reduce((sum, count) => sum + count, 0);
}
