import { open, stat } from "node:fs/promises";
import type { CallOptions, Cluster, DidafsFile, Durability } from "../../client/api.ts";
import { writeInto } from "../../client/write-into.ts";
import { DidafsError, isDidafsError } from "../../std/errors.ts";
import { parseClusterPath, parsePlace, showClusterPath } from "../cluster-path.ts";
import { type Context, printJson, withCluster } from "../context.ts";
import { pour, pourFlow } from "../copy/chunks.ts";
import type { Flow, Source } from "../copy/ends.ts";
import { sourceOf } from "../copy/local-tree.ts";
import { fileFlow, inputFlow } from "../copy/streams.ts";

interface PutOptions {
  readonly at?: number;
  readonly create?: boolean;
  readonly size?: number;
  readonly sync: boolean;
}

type Call = CallOptions & { readonly signal: AbortSignal };

/** Writes in place: what fails half-way has changed a part of the range. */
export async function run(context: Context, args: readonly string[], options: PutOptions): Promise<void> {
  const [from = "", to = ""] = args;
  const path = parseClusterPath(to);
  const { at = 0, sync } = options;
  const { signal } = context;
  const source = await openLocal(from, signal);
  try {
    await withCluster(context, async (cluster, limits) => {
      const call = { ...limits, signal };
      const { file, grow } = await openFile(cluster, path, at, source, options, limits);
      await using _closing = file;
      const durable = sync && file.layout.regions.every(({ drive }) => drive === "file");
      const durability = durable ? "stable" : "memory";
      const bytes =
        source.size === undefined
          ? await append(file, at, source, { grow, durability }, call)
          : await place(file, at, source, durability, call);
      if (context.global.json) printJson({ path, at, bytes, size: file.size });
    });
  } finally {
    await source.close();
  }
}

async function openLocal(from: string, signal: AbortSignal): Promise<Source | Flow> {
  const place = parsePlace(from);
  if (place.kind === "stream") return inputFlow(signal);
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
  if (!kind.isFile()) return fileFlow(place.path, signal);
  return await sourceOf(await open(place.path, "r"), place.path);
}

/** `grow`: it is made, and nobody knows yet how long. */
async function openFile(
  cluster: Cluster,
  path: string,
  at: number,
  source: Source | Flow,
  { create = false, size }: PutOptions,
  call: CallOptions,
): Promise<{ file: DidafsFile; grow: boolean }> {
  if (create && size === undefined && source.size === undefined) {
    try {
      return { file: await cluster.open(path, { ...call, create: "exclusive" }), grow: true };
    } catch (error) {
      if (!isDidafsError(error, "EEXIST")) throw error;
    }
  }
  const made = { create: create || size !== undefined, size: size ?? at + (source.size ?? 0) };
  return { file: await cluster.open(path, { ...call, ...made }), grow: false };
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

/** The bytes of a file, several pieces at a time. @returns how many */
async function place(
  file: DidafsFile,
  at: number,
  source: Source,
  durability: Durability,
  call: Call,
): Promise<number> {
  checkRange(file, at, source.size);
  if (source.size === 0) return 0;
  const window = await file.window({ ...call, rights: "rw", at, length: source.size });
  const sink = {
    inOrder: false,
    write: (offset: number, from: Uint8Array) => window.put(offset, from, call),
  };
  await pour(source, sink, call.signal, () => {});
  await window.flush(durability, call);
  return source.size;
}

/** What comes, for as long as it comes. @returns how many bytes */
async function append(
  file: DidafsFile,
  at: number,
  source: Flow,
  { grow, durability }: { readonly grow: boolean; readonly durability: Durability },
  call: Call,
): Promise<number> {
  if (!grow) checkRange(file, at, 0);
  const writer = file.writable({ ...call, at, grow, durability }).getWriter();
  const write = async (offset: number, chunk: Uint8Array): Promise<void> => {
    if (!grow) checkRange(file, at + offset, chunk.byteLength);
    await writer.write(chunk);
  };
  return await writeInto(writer, () => pourFlow(source, { write }, call.signal, () => {}));
}
