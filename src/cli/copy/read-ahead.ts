/** The items of `source`, which runs ahead of whoever takes them by at most `capacity` items. */
export async function* readAhead<T>(source: AsyncIterable<T>, capacity: number): AsyncGenerator<T> {
  const items: T[] = [];
  let wakeTaker = (): void => {};
  let wakeReader = (): void => {};
  const state: { ended: boolean; left: boolean } = { ended: false, left: false };
  const reading = (async () => {
    try {
      for await (const item of source) {
        items.push(item);
        wakeTaker();
        if (items.length >= capacity && !state.left) {
          await new Promise<void>((resolve) => {
            wakeReader = resolve;
          });
        }
        if (state.left) return;
      }
    } finally {
      state.ended = true;
      wakeTaker();
    }
  })();
  // Awaited below, when the items that came before the failure are taken.
  reading.catch(() => {});
  try {
    for (;;) {
      while (items.length > 0) {
        yield items.shift() as T;
        wakeReader();
      }
      if (state.ended) break;
      await new Promise<void>((resolve) => {
        wakeTaker = resolve;
      });
    }
    await reading;
  } finally {
    state.left = true;
    wakeReader();
  }
}
