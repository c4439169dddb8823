import { textToBytes } from "../../std/byte-text.ts";
import { DidafsError } from "../../std/errors.ts";

/** A path as the machine has it: bytes where it is no UTF-8. @throws EINVAL for a text that stands for no bytes */
export function machinePath(path: string): string | Buffer {
  if (path.isWellFormed()) return path;
  const bytes = textToBytes(path);
  if (bytes === undefined) throw new DidafsError("EINVAL", "a name that stands for no bytes", { path });
  return Buffer.from(bytes);
}
