import type { FileHandle } from "node:fs/promises";

/** Fills `into` from a file of this machine. @throws where the file is shorter than it was */
export async function readWhole(file: FileHandle, at: number, into: Uint8Array): Promise<void> {
  for (let done = 0; done < into.byteLength; ) {
    const { bytesRead } = await file.read(into, done, into.byteLength - done, at + done);
    if (bytesRead === 0) throw new Error("a source file became shorter while it was read");
    done += bytesRead;
  }
}
