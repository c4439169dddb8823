import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseClusterPath, parsePlace } from "../../../src/cli/cluster-path.ts";
import { findKey } from "../../../src/runtime/key.ts";
import { checkRunFormat, readRunRecord } from "../../../src/runtime/run-file.ts";
import { TargetIdentity } from "../../../src/runtime/target-identity.ts";
import { syncAreaBytes, syncQueueAt } from "../../../src/structs/sync-queue.ts";
import { openFileDrive } from "../../../src/system/file-drive.ts";
import { systemMemory } from "../../../src/system/memory.ts";
import { RegionStore } from "../../../src/target/region-store.ts";
import { SyncClient } from "../../../src/target/sync-client.ts";
import type { Dice } from "../dice.ts";
import { anyText, type Decoder, mutated, mutatedJson } from "./decoder.ts";

/** Files that services read when they start, in a directory of their own. */
export class FileDecoders {
  readonly #dir = mkdtempSync(path.join(tmpdir(), "didafs-fuzz-"));

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #write(name: string, bytes: Uint8Array | string): string {
    const file = path.join(this.#dir, name);
    writeFileSync(file, bytes, { mode: 0o600 });
    return file;
  }

  all(): Decoder[] {
    return [
      {
        name: "run file",
        covers: ["readRunRecord", "checkRunFormat"],
        codes: ["ERR_VERSION"],
        attempt: (dice) => {
          const record = {
            format: dice.pick([1, 2]),
            pid: 4,
            startTicks: "7",
            spawn: "process",
            url: "didafs://h:1",
          };
          this.#write("run.json", mutatedJson(record, dice));
          readRunRecord(this.#dir);
          checkRunFormat(this.#dir);
        },
      },
      {
        name: "key file",
        covers: ["findKey"],
        codes: ["ERR_NO_KEY", "ERR_VERSION"],
        attempt: (dice) => {
          const text = Buffer.from(dice.pick([`${"0a".repeat(32)}\n`, `v2:${"0a".repeat(32)}`]));
          return findKey({ keyFile: this.#write("key", dice.percent(40) ? text : mutated(text, dice)) });
        },
      },
      {
        name: "identity of a target",
        covers: ["TargetIdentity"],
        codes: ["ERR_CORRUPT", "ERR_VERSION"],
        attempt: (dice) => {
          const identity = { format: 1, id: "0a".repeat(16), cluster: "0b".repeat(16) };
          this.#write("target.json", mutatedJson(identity, dice));
          return new TargetIdentity(this.#dir);
        },
      },
      {
        name: "names on a drive",
        covers: ["RegionStore"],
        codes: [],
        attempt: (dice) => this.#list(dice),
      },
      {
        name: "places on the command line",
        covers: ["parsePlace", "parseClusterPath"],
        codes: ["ERR_INVALID_ARGUMENT"],
        attempt: (dice) => [parsePlace(anyText(dice)), parseClusterPath(`/${anyText(dice)}`)],
      },
    ];
  }

  #list(dice: Dice): void {
    const directory = path.join(this.#dir, "regions");
    mkdirSync(directory, { recursive: true });
    const names = [
      "1.0",
      "01.0",
      "1",
      "1.0.0",
      "-1.0",
      "1e3.0",
      "9007199254740993.0",
      "5.4294967296",
      "5.99",
      ".x",
      "a b",
    ];
    const name = dice.percent(80)
      ? dice.pick(names)
      : anyText(dice, 2)
          .replaceAll(/[/\0]|^\.*$/g, "_")
          .slice(0, 60);
    writeFileSync(path.join(directory, name), "");
    const words = new Int32Array(new SharedArrayBuffer(syncAreaBytes(1)));
    const drive = openFileDrive(directory);
    const store = new RegionStore(drive, systemMemory, new SyncClient({ words, at: syncQueueAt(0) }));
    for (const { inode, index } of store.names()) {
      const isName = Number.isSafeInteger(inode) && Number.isSafeInteger(index) && inode >= 0 && index >= 0;
      if (!isName || !readdirSync(directory).includes(`${inode}.${index}`))
        throw new Error(`${inode}.${index}?`);
    }
    drive.close();
    rmSync(directory, { recursive: true });
  }
}
