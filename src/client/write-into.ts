/**
 * Closes a stream once `body` has written to it, or aborts it. Fails with what the stream, or `body`, failed with: a stream
 * that has failed already refuses to be closed with an error that says nothing.
 */
export async function writeInto<T>(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  body: () => Promise<T>,
): Promise<T> {
  // Heard of below.
  writer.closed.catch(() => {});
  try {
    const result = await body();
    await writer.close();
    return result;
  } catch (error) {
    await writer.abort(error).catch(() => {});
    await writer.closed;
    throw error;
  }
}
