import path from "node:path";
import { open } from "lmdb";
import type { NameStore } from "./name-store.ts";

/** Of the inode's record, about as long as the product's. */
const INODE_BYTES = 64;
const ENTRY_BYTES = 9;

/**
 * The limit: the records that a name service has to keep, in LMDB, without any service. A change is one transaction that
 * is synced: entry, inode, and the inode of the directory. A look is two reads: entry, then inode.
 */
export function openLmdbNames(root: string): NameStore {
  const db = open<Uint8Array, Uint8Array>({
    path: path.join(root, "names.mdb"),
    noSubdir: true,
    keyEncoding: "binary",
    encoding: "binary",
    cache: false,
    overlappingSync: false,
  });
  const directories = new Map<string, number>();
  let lastInode = 0;
  const look = (name: string): Uint8Array => {
    const entry = db.get(entryKey(directories, name));
    const inode = entry === undefined ? undefined : db.get(numbered("i", numberOf(entry)));
    if (inode === undefined) throw new Error(`there is no ${name}`);
    return inode;
  };
  const add = (name: string): void => {
    lastInode += 1;
    const entry = Buffer.alloc(ENTRY_BYTES);
    entry.writeBigUInt64BE(BigInt(lastInode));
    db.putSync(entryKey(directories, name), entry);
    db.putSync(numbered("i", lastInode), Buffer.alloc(INODE_BYTES));
  };
  const touch = (name: string): void => {
    const directory = directories.get(path.dirname(name)) as number;
    db.putSync(numbered("i", directory), Buffer.alloc(INODE_BYTES, lastInode));
  };
  return {
    makeDirectory: async (directory) => {
      lastInode += 1;
      directories.set(directory, lastInode);
    },
    fill: async (directory, names) => {
      db.transactionSync(() => {
        for (const name of names) add(`${directory}/${name}`);
      });
    },
    create: (name) => {
      db.transactionSync(() => {
        add(name);
        touch(name);
      });
      return () => {};
    },
    open: (name) => {
      look(name);
      return () => {};
    },
    stat: (name) => look(name)[0] as number,
    list: (directory) => {
      const inode = directories.get(directory) as number;
      const [start, end] = [numbered("e", inode), numbered("e", inode + 1)];
      return Array.from(db.getRange({ start, end }), ({ key }) =>
        Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("utf8", start.byteLength),
      );
    },
    unlink: (name) => {
      db.transactionSync(() => {
        const key = entryKey(directories, name);
        db.removeSync(numbered("i", numberOf(db.get(key) as Uint8Array)));
        db.removeSync(key);
        touch(name);
      });
    },
    close: () => db.close(),
  };
}

function numbered(letter: string, number: number): Buffer {
  const key = Buffer.alloc(ENTRY_BYTES);
  key.write(letter);
  key.writeBigUInt64BE(BigInt(number), 1);
  return key;
}

function entryKey(directories: ReadonlyMap<string, number>, name: string): Buffer {
  const directory = directories.get(path.dirname(name)) as number;
  return Buffer.concat([numbered("e", directory), Buffer.from(path.basename(name))]);
}

function numberOf(entry: Uint8Array): number {
  return Number(Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength).readBigUInt64BE());
}
