/** The results of `body` on the items of `source`, in their order, with at most `inFlight` of them under way. */
export async function* mapInOrder<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  inFlight: number,
  body: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  for await (const item of source) {
    const result = body(item);
    // It is awaited later; until then a rejection must not count as unhandled.
    result.catch(() => {});
    underWay.push(result);
    if (underWay.length >= inFlight) yield await (underWay.shift() as Promise<R>);
  }
  for (const result of underWay) yield await result;
}
