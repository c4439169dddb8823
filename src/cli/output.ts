import { fstatSync, write, writeSync } from "node:fs";
import { isatty } from "node:tty";
import { promisify } from "node:util";
import { labelled } from "./failure.ts";

const STANDARD_OUTPUT = 1;
const writePart = promisify(write);

let toFile: boolean | undefined;

/**
 * Whether standard output is a file or a device that is no terminal. Node's own stream loses, and does not tell, what a
 * file takes only a part of: on a drive that fills up, say.
 */
function isFile(): boolean {
  if (toFile === undefined) {
    const kind = fstatSync(STANDARD_OUTPUT);
    toFile = kind.isFile() || kind.isBlockDevice() || (kind.isCharacterDevice() && !isatty(STANDARD_OUTPUT));
  }
  return toFile;
}

/** Writes all of `bytes` to standard output; they are left alone until it resolves. A reader that is gone: see main.ts. */
export async function writeOutput(bytes: Uint8Array): Promise<void> {
  try {
    if (isFile()) await writeToFile(bytes);
    else await writeToStream(bytes);
  } catch (error) {
    throw labelled("standard output", error);
  }
}

/** The same, for what is small. */
export function printOutput(text: string): void {
  if (!isFile()) {
    process.stdout.write(text);
    return;
  }
  const bytes = Buffer.from(text);
  try {
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(STANDARD_OUTPUT, bytes, done);
  } catch (error) {
    throw labelled("standard output", error);
  }
}

async function writeToFile(bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    done += (await writePart(STANDARD_OUTPUT, bytes, done, bytes.byteLength - done, null)).bytesWritten;
  }
}

function writeToStream(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
