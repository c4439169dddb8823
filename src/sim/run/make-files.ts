import { type Book, STRIPE_BYTES } from "../workloads/book.ts";
import type { ClientProcess } from "../world/client-process.ts";

/** Makes all files and directories of a run. */
export async function makeAll(client: ClientProcess, book: Book): Promise<void> {
  const cluster = await client.connect();
  const { wordFiles, cellFiles, lockFiles, epochFiles, waitFiles, noticeFiles } = book;
  for (const file of [
    ...wordFiles,
    ...cellFiles,
    ...lockFiles,
    ...epochFiles,
    ...waitFiles,
    ...noticeFiles,
  ]) {
    const { path, byteLength: size, plan } = file;
    const { targets, drive } = plan;
    const options = { create: "exclusive", size, stripeUnit: STRIPE_BYTES, targets, drive } as const;
    const made = await cluster.open(path, options);
    file.layout = made.layout;
    await made.close();
  }
  for (const { path } of book.directories) await cluster.mkdir(path);
  await cluster.close();
}
