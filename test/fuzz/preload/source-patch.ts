import { registerHooks } from "node:module";

/** Replaces `from` by `to` in the module of src/ whose path ends in `file`, wherever this thread loads it. */
export function patchSource(file: string, from: string, to: string): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(file)) return loaded;
      const source = String(loaded.source);
      if (!source.includes(from)) throw new Error(`${file} has no "${from}" any more`);
      return { ...loaded, source: source.replace(from, to) };
    },
  });
}
