import { registerHooks } from "node:module";

/** A bug that somebody could well have made, in one file of the module that is imported or of those that it imports. */
export interface Mutant {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

let sets = 0;

/** @param entry the module, from here @returns imports it with one of the bugs in it */
export function planted<Names extends string>(
  mutants: Record<Names, Mutant>,
  entry: string,
): (name: Names) => Promise<Record<string, unknown>> {
  const load = changed(entry, (source, file, number) => plant(source, file, mutantOf(mutants, number)));
  return (name) => load(Object.keys(mutants).indexOf(name));
}

/**
 * The same with all private fields and methods open, so that what the module makes can be copied, and told from another one.
 * @returns imports it with one of the bugs in it, or without any
 */
export function opened<Names extends string>(
  mutants: Record<Names, Mutant>,
  entry: string,
): (name?: Names) => Promise<Record<string, unknown>> {
  const load = changed(entry, (source, file, number) => {
    const broken = number < 0 ? source : plant(source, file, mutantOf(mutants, number));
    return broken.replaceAll(/#(?=[a-z])/gi, "_");
  });
  return (name) => load(name === undefined ? -1 : Object.keys(mutants).indexOf(name));
}

function mutantOf(mutants: Record<string, Mutant>, number: number): Mutant {
  return Object.values(mutants)[number] as Mutant;
}

function plant(source: string, file: string, { file: name, from, to }: Mutant): string {
  if (!file.endsWith(`/${name}`)) return source;
  if (!source.includes(from)) throw new Error(`${name} has no "${from}" any more`);
  return source.replace(from, to);
}

/** @returns imports the module, and all that it imports, as `change` leaves them under that number */
function changed(
  entry: string,
  change: (source: string, file: string, number: number) => string,
): (number: number) => Promise<Record<string, unknown>> {
  sets += 1;
  const query = `?mutant${sets}=`;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const [, number] = context.parentURL?.split(query) ?? [];
      const isOurs = number !== undefined && !resolved.url.startsWith("node:");
      return isOurs ? { ...resolved, url: resolved.url + query + number } : resolved;
    },
    load(url, context, nextLoad) {
      const [file = "", number] = url.split(query);
      if (number === undefined) return nextLoad(url, context);
      const loaded = nextLoad(file, context);
      return { ...loaded, source: change(String(loaded.source), file, Number(number)) };
    },
  });
  return (number) => import(`${entry}${query}${number}`);
}
