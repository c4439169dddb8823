import { open, stat } from "node:fs/promises";
import type { CallOptions, DidafsFile } from "../../client/api.ts";
import { DidafsError } from "../../std/errors.ts";
import { parseClusterPath, parsePlace, showClusterPath } from "../cluster-path.ts";
import { type Context, printJson, withCluster } from "../context.ts";
import { pour } from "../copy/chunks.ts";
import type { Source } from "../copy/ends.ts";
import { sourceOf } from "../copy/local-tree.ts";
import { spool, spoolFile } from "../copy/streams.ts";

interface PutOptions {
  readonly at?: number;
  readonly create?: boolean;
  readonly size?: number;
  readonly sync: boolean;
}

/** Writes in place: what fails half-way has changed a part of the range. */
export async function run(context: Context, args: readonly string[], options: PutOptions): Promise<void> {
  const [from = "", to = ""] = args;
  const path = parseClusterPath(to);
  const { at = 0, size } = options;
  const { signal } = context;
  const source = await openLocal(from, signal);
  try {
    await withCluster(context, async (cluster, call) => {
      const create = options.create === true || size !== undefined;
      await using file = await cluster.open(path, { ...call, create, size: size ?? at + source.size });
      checkRange(file, at, source.size);
      if (source.size > 0) await write(file, at, source, options.sync, { ...call, signal });
      if (context.global.json) printJson({ path, at, bytes: source.size, size: file.size });
    });
  } finally {
    await source.close();
  }
}

async function openLocal(from: string, signal: AbortSignal): Promise<Source> {
  const place = parsePlace(from);
  if (place.kind === "stream") return await spool(process.stdin, signal);
  if (place.kind === "cluster") {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      "put takes its bytes from a local file, or from - for standard input",
    );
  }
  const kind = await stat(place.path);
  if (kind.isDirectory())
    throw new DidafsError("EISDIR", `${place.path} is a directory`, { path: place.path });
  // A device or a pipe has no size.
  if (!kind.isFile()) return await spoolFile(place.path, signal);
  return await sourceOf(await open(place.path, "r"), place.path);
}

function checkRange(file: DidafsFile, at: number, bytes: number): void {
  if (at + bytes <= file.size) return;
  const { path, size } = file;
  throw new DidafsError(
    "ERR_RANGE",
    `${showClusterPath(path)} has ${size} bytes: ${bytes} bytes at ${at} would end behind it`,
    { path },
  );
}

async function write(
  file: DidafsFile,
  at: number,
  source: Source,
  sync: boolean,
  call: CallOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const window = await file.window({ ...call, rights: "rw", at, length: source.size });
  const sink = {
    inOrder: false,
    write: (offset: number, from: Uint8Array) => window.put(offset, from, call),
  };
  await pour(source, sink, call.signal, () => {});
  const durable = sync && file.layout.regions.every(({ drive }) => drive === "file");
  await window.flush(durable ? "stable" : "memory", call);
}
