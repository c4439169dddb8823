import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { DidafsError } from "../std/errors.ts";
import { storedByAnother } from "../std/versions.ts";
import { replaceFile } from "../system/replace-file.ts";

const FORMAT = 1;
const digits = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

const Identity = v.object({ format: v.literal(FORMAT), id: digits, cluster: digits });

/** Who a target is, and to which cluster its regions belong; kept in `target.json` in its directory. */
export class TargetIdentity {
  readonly id: string;
  /** The directory has had no target before. */
  readonly isNew: boolean;
  readonly #dir: string;
  #cluster: string | undefined;

  /** Reads the directory's identity; a new directory gets one, which is written once its cluster is known. @throws ERR_CORRUPT, ERR_VERSION */
  constructor(dir: string) {
    this.#dir = dir;
    const recorded = read(fileOf(dir));
    this.isNew = recorded === undefined;
    this.id = recorded?.id ?? randomBytes(16).toString("hex");
    this.#cluster = recorded?.cluster;
  }

  /** Settles to which cluster this target belongs, durably, the first time. @throws ERR_CORRUPT where it is another one's */
  admitCluster(cluster: string): void {
    if (this.#cluster === cluster) return;
    if (this.#cluster !== undefined) {
      throw new DidafsError(
        "ERR_CORRUPT",
        `${this.#dir} holds a target of cluster ${this.#cluster}; the metadata service is that of cluster ${cluster}`,
      );
    }
    write(this.#dir, { format: FORMAT, id: this.id, cluster });
    this.#cluster = cluster;
  }
}

const fileOf = (dir: string): string => path.join(dir, "target.json");

function read(file: string): v.InferOutput<typeof Identity> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (!(error instanceof SyntaxError)) throw error;
    throw new DidafsError("ERR_CORRUPT", `${file} is damaged: it is not JSON`, { cause: error });
  }
  const { format } = (value ?? {}) as { format?: unknown };
  if (typeof format === "number" && format !== FORMAT) {
    throw storedByAnother(`${file} has format`, format, FORMAT);
  }
  const parsed = v.safeParse(Identity, value);
  if (!parsed.success)
    throw new DidafsError("ERR_CORRUPT", `${file} is damaged: ${parsed.issues[0].message}`);
  return parsed.output;
}

/** Replaces the file whole and durably. */
function write(dir: string, identity: v.InferOutput<typeof Identity>): void {
  replaceFile(fileOf(dir), `${JSON.stringify(identity)}\n`);
}
