import type { WriterNews } from "../processes/write-blocks.ts";

/** What the writer has told so far, and who waits for more of it. */
export class WatchedWriter {
  #news: WriterNews = { acknowledged: 0, reopened: 0 };
  #failure: Error | undefined;
  readonly #waiting = new Set<() => void>();

  get news(): WriterNews {
    return this.#news;
  }

  take(news: WriterNews): void {
    this.#news = news;
    for (const look of this.#waiting) look();
  }

  /** Ends every wait. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const look of this.#waiting) look();
  }

  /** @throws the writer's failure, or an Error when `holds` does not come true within `deadlineMs` */
  async until(holds: (news: WriterNews) => boolean, what: string, deadlineMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.#failure !== undefined) reject(this.#failure);
      else if (holds(this.#news)) resolve();
    };
    const late = (): void => reject(new Error(`the writer did not ${what} within ${deadlineMs / 1000} s`));
    const timer = setTimeout(late, deadlineMs);
    this.#waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }
}
