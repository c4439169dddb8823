import { readFileSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { DidafsError } from "../std/errors.ts";
import { storedByAnother } from "../std/versions.ts";
import { replaceFile } from "../system/replace-file.ts";

const FORMAT = 1;
const TARGETS_MAX = 64;

const Shape = v.object({
  format: v.literal(FORMAT),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  targets: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(TARGETS_MAX)),
  drive: v.picklist(["file", "memory"]),
});

/** What a data directory was made for; kept in its `cluster.json`. */
export type Shape = v.InferOutput<typeof Shape>;

export interface ShapeWish {
  readonly targets?: number | undefined;
  readonly drive?: Shape["drive"] | undefined;
}

const fileOf = (dir: string): string => path.join(dir, "cluster.json");

/** @throws ERR_CORRUPT, ERR_VERSION; undefined when the directory holds no cluster yet. */
export function readShape(dir: string): Shape | undefined {
  let text: string;
  try {
    text = readFileSync(fileOf(dir), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const file = fileOf(dir);
  const value = parseJson(text);
  const format = (value as { format?: unknown } | null | undefined)?.format;
  if (typeof format === "number" && format !== FORMAT) {
    throw storedByAnother(`${file} has format`, format, FORMAT);
  }
  const parsed = v.safeParse(Shape, value);
  if (!parsed.success)
    throw new DidafsError("ERR_CORRUPT", `${file} is damaged: ${parsed.issues[0].message}`);
  return parsed.output;
}

/** Replaces the file whole and durably. */
export function writeShape(dir: string, shape: Omit<Shape, "format">): void {
  replaceFile(fileOf(dir), `${JSON.stringify({ format: FORMAT, ...shape })}\n`);
}

/**
 * The shape to start with: what is recorded, else what is wished, else one target on files.
 * @throws ERR_INVALID_ARGUMENT when the wish is out of range or contradicts the record
 */
export function settleShape(
  dir: string,
  recorded: Shape | undefined,
  wish: ShapeWish,
): Omit<Shape, "format" | "id"> {
  const { targets = recorded?.targets ?? 1, drive = recorded?.drive ?? "file" } = wish;
  if (!Number.isInteger(targets) || targets < 1 || targets > TARGETS_MAX) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `a cluster has 1 to ${TARGETS_MAX} targets, not ${targets}`,
    );
  }
  if (drive !== "file" && drive !== "memory") {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `a drive is "file" or "memory", not ${JSON.stringify(drive)}`,
    );
  }
  if (recorded !== undefined && (recorded.targets !== targets || recorded.drive !== drive)) {
    throw new DidafsError(
      "ERR_INVALID_ARGUMENT",
      `${dir} holds a cluster of ${recorded.targets} ${recorded.drive} targets and cannot be started as ${targets} ${drive} targets; changing a cluster's shape is not supported yet`,
    );
  }
  return { targets, drive };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
