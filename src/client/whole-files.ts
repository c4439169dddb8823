import type { Random } from "../ports/random.ts";
import { DidafsError, isDidafsError } from "../std/errors.ts";
import type { Bytes, CallOptions, Cluster, DidafsFile, Durability, Stat, WriteFileOptions } from "./api.ts";
import { abortError, checkOneOf, onAbort } from "./call-limits.ts";
import { Draft, throughLinks } from "./draft.ts";
import { bytesOf } from "./operands.ts";
import { writeInto } from "./write-into.ts";

/** Bytes of one access; some are in flight at a time, each with its own time. */
const PIECE_BYTES = 4 * 2 ** 20;
const PIECES_IN_FLIGHT = 4;

export interface WholeFilePorts {
  readonly random: Random;
  /** Lets the event loop turn once. */
  turn(): Promise<void>;
}

type Content = Bytes | string | AsyncIterable<Uint8Array>;

/** See Cluster.readFile in api.ts. */
export async function readFile(
  cluster: Pick<Cluster, "open">,
  path: string,
  call: CallOptions,
  ports: WholeFilePorts,
): Promise<Uint8Array<ArrayBuffer>> {
  await using file = await cluster.open(path, { ...call, rights: "r" });
  const bytes = room(file);
  if (bytes.byteLength === 0) return bytes;
  await using window = await file.window({ ...call, length: bytes.byteLength });
  await inPieces(bytes.byteLength, ports, (at, end) => window.get(at, bytes.subarray(at, end), call));
  return bytes;
}

function room({ path, size }: DidafsFile): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch (error) {
    const message = `the ${size} bytes of ${path} do not fit the memory at once; use file.readable()`;
    throw new DidafsError("ERR_TOO_MANY", message, { path, cause: error });
  }
}

/** See Cluster.writeFile in api.ts. */
export async function writeFile(
  cluster: Cluster,
  path: string,
  data: Content,
  options: WriteFileOptions,
  ports: WholeFilePorts,
): Promise<void> {
  const { timeoutMs, signal, durability, mode, targets, stripeUnit, drive } = options;
  if (durability !== undefined) checkOneOf("durability", durability, ["memory", "stable"]);
  const call = { timeoutMs, signal };
  const content = contentOf(data);
  const name = await throughLinks(cluster, path, call);
  const former = await fileThere(cluster, name, call);
  const shape = shapeOf(former);
  const draft = await Draft.make(
    cluster,
    name,
    {
      timeoutMs,
      size: content instanceof Uint8Array ? content.byteLength : 0,
      mode: mode ?? former?.mode,
      targets: targets ?? shape?.targets,
      stripeUnit: stripeUnit ?? shape?.stripeUnit,
      drive: drive ?? shape?.drive,
    },
    ports.random,
  );
  try {
    const survives = durability ?? strongest(draft.file);
    if (content instanceof Uint8Array) await putAll(draft.file, content, survives, call, ports);
    else await pourInto(draft.file, content, survives, call);
    if (former !== undefined)
      await passOn(cluster, name, { ...former, mode: mode ?? former.mode }, draft.path, call);
    if (signal?.aborted) throw abortError(signal);
    await draft.commit();
  } catch (error) {
    // The first failure is the one to tell; a half-made file that stays has a name that says what it is.
    await draft.discard().catch(() => {});
    throw error;
  }
}

/** @throws ERR_INVALID_ARGUMENT */
function contentOf(data: Content): Uint8Array | AsyncIterable<Uint8Array> {
  if (typeof data === "string") return new TextEncoder().encode(data);
  return Symbol.asyncIterator in Object(data) ? (data as AsyncIterable<Uint8Array>) : bytesOf(data as Bytes);
}

async function fileThere(cluster: Cluster, path: string, call: CallOptions): Promise<Stat | undefined> {
  try {
    const stat = await cluster.stat(path, call);
    if (stat.type === "directory") throw new DidafsError("EISDIR", `${path} is a directory`, { path });
    return stat;
  } catch (error) {
    if (isDidafsError(error, "ENOENT")) return undefined;
    throw error;
  }
}

function shapeOf(
  former: Stat | undefined,
): Pick<WriteFileOptions, "targets" | "stripeUnit" | "drive"> | undefined {
  if (former?.layout === undefined) return undefined;
  const { stripeUnit, regions } = former.layout;
  return { stripeUnit, targets: regions.length, drive: regions[0]?.drive };
}

/** What all of the file's drives can give. */
function strongest({ layout }: DidafsFile): Durability {
  return layout.regions.every(({ drive }) => drive === "file") ? "stable" : "memory";
}

async function putAll(
  file: DidafsFile,
  bytes: Uint8Array,
  durability: Durability,
  call: CallOptions,
  ports: WholeFilePorts,
): Promise<void> {
  await using window = await file.window({ ...call, rights: "rw" });
  await inPieces(bytes.byteLength, ports, (at, end) => window.put(at, bytes.subarray(at, end), call));
  await window.flush(durability, call);
}

async function pourInto(
  file: DidafsFile,
  chunks: AsyncIterable<Uint8Array>,
  durability: Durability,
  call: CallOptions,
): Promise<void> {
  const writer = file.writable({ ...call, grow: true, durability }).getWriter();
  await writeInto(writer, async () => {
    for await (const chunk of untilAborted(chunks, call.signal)) await writer.write(chunk);
  });
}

/** The items, until the signal is aborted: whoever gives them may never give the next one. */
async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  let isLeft = true;
  try {
    for (;;) {
      const step = await orAborted(iterator.next(), signal).catch((error) => {
        // One that has failed is not told to end; one that hangs may not answer.
        isLeft = signal?.aborted === true;
        throw error;
      });
      if (step.done) {
        isLeft = false;
        return;
      }
      yield step.value;
    }
  } finally {
    if (isLeft) iterator.return?.().catch(() => {});
  }
}

/** No race with one promise that lasts: that one would hold all that was ever raced with it. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const { promise: first, resolve, reject } = Promise.withResolvers<T>();
  const forget = onAbort(signal, (cause) => reject(abortError(cause)));
  promise.then(resolve, reject);
  try {
    return await first;
  } finally {
    forget();
  }
}

/** Mode, owner and extended attributes of a file, for the one that replaces it. */
async function passOn(
  cluster: Cluster,
  from: string,
  { mode, uid, gid }: Pick<Stat, "mode" | "uid" | "gid">,
  to: string,
  call: CallOptions,
): Promise<void> {
  await cluster.setAttributes(to, { mode, uid, gid }, call);
  for (const name of await cluster.listXattrs(from, call)) {
    await cluster.setXattr(to, name, await cluster.getXattr(from, name, call), call);
  }
}

/** Moves a range in pieces, some of them at a time. Settles when nothing is in flight any more. */
async function inPieces(
  byteLength: number,
  { turn }: WholeFilePorts,
  move: (at: number, end: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < byteLength && !failed) {
      const at = next;
      const end = Math.min(at + PIECE_BYTES, byteLength);
      next = end;
      try {
        await move(at, end);
        await turn();
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: PIECES_IN_FLIGHT }, lane));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
