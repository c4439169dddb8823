import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import type { NameStore } from "./name-store.ts";

/**
 * Names of the file system that holds the cluster's data, by the Sync calls of `node:fs`.
 * @param synced what was made or removed survives power loss when the call returns: file and directory are synced
 */
export function openFsNames(root: string, synced: boolean): NameStore {
  const directories = new Map<string, number>();
  const descriptorOf = (directory: string): number => {
    const descriptor = directories.get(directory) ?? openSync(directory, "r");
    directories.set(directory, descriptor);
    return descriptor;
  };
  const settle = (name: string): void => {
    if (synced) fsyncSync(descriptorOf(path.dirname(name)));
  };
  return {
    makeDirectory: async (directory) => {
      mkdirSync(root + directory, { recursive: true });
    },
    fill: async (directory, names) => {
      for (const name of names) writeFileSync(`${root}${directory}/${name}`, "");
    },
    create: (name) => {
      const descriptor = openSync(root + name, "wx+");
      if (synced) fsyncSync(descriptor);
      settle(root + name);
      return () => closeSync(descriptor);
    },
    open: (name) => {
      const descriptor = openSync(root + name, "r");
      return () => closeSync(descriptor);
    },
    stat: (name) => statSync(root + name).size,
    list: (directory) => readdirSync(root + directory, { withFileTypes: true }).map(({ name }) => name),
    unlink: (name) => {
      unlinkSync(root + name);
      settle(root + name);
    },
    close: async () => {
      for (const descriptor of directories.values()) closeSync(descriptor);
    },
  };
}
