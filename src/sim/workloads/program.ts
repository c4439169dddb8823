import type { ClusterClient } from "../../client/cluster.ts";
import { History } from "../history.ts";
import { SimRandom } from "../random.ts";
import type { ClientProcess } from "../world/client-process.ts";
import type { Book, NoticeFile } from "./book.ts";
import { CellWork } from "./cells.ts";
import { EpochWork } from "./epochs.ts";
import { againMs, HeldWindow, lookAt } from "./held-window.ts";
import { LockWork } from "./locks.ts";
import { NameWork } from "./names.ts";
import { NotifyingWork } from "./notifications.ts";
import { ToldWork } from "./told.ts";
import { WaitWork } from "./waits.ts";
import { WordWork } from "./words.ts";

/** Something that a client does over and over again, and shows in the end that it can. */
interface Work {
  step(): Promise<boolean>;
  prove(): Promise<boolean>;
}

interface Job {
  readonly work: Work;
  readonly held: HeldWindow | undefined;
  /** How many steps of it are under way at once. */
  readonly hands: number;
}

const BURST_MAX = 8;

/**
 * What one client does: it connects, works on all files and directories at once until the faults are over, and then shows
 * that everything works again.
 * @param number of the client, through all of its lives
 */
export async function workAndProve(client: ClientProcess, number: number, book: Book): Promise<void> {
  book.proven.delete(number);
  const random = new SimRandom(book.random.next());
  const cluster = await connect(client, book);
  const jobs = jobsOf(client, number, cluster, book);
  const all = jobs.flatMap((job) => Array.from({ length: job.hands }, () => work(job, client, book, random)));
  if (book.revokesPerMinute > 0) all.push(revokeNowAndThen(client, cluster, book, random));
  await Promise.all(all);
  // What one client holds is not in the way of what another one shows.
  for (const { held } of jobs) await held?.close();
  for (const { work, held } of jobs) {
    while (held?.gone !== true && !(await work.prove())) await client.sleep(againMs(book));
    await held?.close();
  }
  await cluster.close();
  book.proven.add(number);
}

async function connect(client: ClientProcess, book: Book): Promise<ClusterClient> {
  for (;;) {
    try {
      return await client.connect();
    } catch (error) {
      lookAt(error, book, client.name, false);
      await client.sleep(againMs(book));
    }
  }
}

function jobsOf(client: ClientProcess, number: number, cluster: ClusterClient, book: Book): Job[] {
  const { name, timeoutMs } = client;
  const draw = () => new SimRandom(book.random.next());
  const words = book.wordFiles.map((file) => {
    const held = new HeldWindow(client, cluster, book, file);
    return { work: new WordWork(file, held, client, draw()), held, hands: 2 };
  });
  const cells = book.cellFiles.map((file) => {
    const held = new HeldWindow(client, cluster, book, file);
    const of = { name, timeoutMs, writes: file.writer === number };
    // What is put follows each other.
    return { work: new CellWork(file, held, of, draw(), new History(book.sequence)), held, hands: 1 };
  });
  const locks = book.lockFiles.map((file) => {
    const held = new HeldWindow(client, cluster, book, file);
    return { work: new LockWork(file, held, client, book, draw()), held, hands: 2 };
  });
  const epochs = book.epochFiles.map((file) => {
    const held = new HeldWindow(client, cluster, book, file);
    return { work: new EpochWork(file, held, client, book, draw()), held, hands: 2 };
  });
  const names = book.directories.map((directory) => ({
    work: new NameWork(directory, client, cluster, book, draw()),
    held: undefined,
    hands: 2,
  }));
  const waits = book.waitFiles.map((file) => {
    const held = new HeldWindow(client, cluster, book, file);
    return { work: new WaitWork(file, held, { process: client, number }, book, draw()), held, hands: 2 };
  });
  const notices = book.noticeFiles.flatMap((file): Job[] =>
    noticeJobsOf(file, client, number, cluster, book),
  );
  return [...words, ...cells, ...locks, ...epochs, ...names, ...waits, ...notices];
}

/** Some clients tell, some are told, some do both. */
function noticeJobsOf(
  file: NoticeFile,
  client: ClientProcess,
  number: number,
  cluster: ClusterClient,
  book: Book,
): Job[] {
  const { origin } = cluster;
  file.sources.add(origin);
  const notifier = { process: client, number, origin };
  const draw = () => new SimRandom(book.random.next());
  const jobs: Job[] = [];
  if (number % 3 !== 1) {
    const held = new HeldWindow(client, cluster, book, file);
    jobs.push({ work: new NotifyingWork(file, held, notifier, draw()), held, hands: 2 });
  }
  if (number % 3 !== 0) {
    const held = new HeldWindow(client, cluster, book, file);
    // One queue at a time.
    jobs.push({ work: new ToldWork(file, held, notifier, book, draw()), held, hands: 1 });
  }
  return jobs;
}

async function work(
  { work, held }: Job,
  client: ClientProcess,
  book: Book,
  random: SimRandom,
): Promise<void> {
  while (!book.ending && held?.gone !== true) {
    for (let left = random.between(1, BURST_MAX); left > 0 && !book.ending; left -= 1) await work.step();
    await client.sleep(random.magnitude(1, book.pauseMs * 4));
  }
}

async function revokeNowAndThen(
  client: ClientProcess,
  cluster: ClusterClient,
  book: Book,
  random: SimRandom,
): Promise<void> {
  for (;;) {
    // In short pieces, so that the end of the faults is not slept through.
    const untilMs = random.magnitude(1000, 120_000 / book.revokesPerMinute);
    for (let sleptMs = 0; sleptMs < untilMs; sleptMs += 500) {
      if (book.ending) return;
      await client.sleep(500);
    }
    const { wordFiles, cellFiles, lockFiles, epochFiles, waitFiles, noticeFiles } = book;
    const file = random.pick([
      ...wordFiles,
      ...cellFiles,
      ...lockFiles,
      ...epochFiles,
      ...waitFiles,
      ...noticeFiles,
    ]);
    const history = new History<{ readonly path: string }, null>(book.sequence, book.note);
    try {
      await history.record(client.name, { path: file.path }, async () => {
        await cluster.revoke(file.path);
        return null;
      });
    } catch (error) {
      lookAt(error, book, `${client.name} revoking ${file.path}`, false);
    }
    file.revocations.push(...history.operations);
  }
}
