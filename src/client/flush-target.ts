import { DidafsError } from "../std/errors.ts";
import type { RegionAccess } from "../transport/access.ts";

/**
 * Tells of regions, by their place in the layout, whether they lie on that target; without one all do.
 * @throws ERR_INVALID_ARGUMENT for a target that the window has no region on
 */
export function lyingOn(
  target: string | undefined,
  accesses: readonly (RegionAccess | undefined)[],
  path: string,
): (index: number) => boolean {
  if (target === undefined) return () => true;
  const isMeant = (index: number): boolean => accesses[index]?.link.session.target === target;
  if (accesses.some((_, index) => isMeant(index))) return isMeant;
  throw new DidafsError("ERR_INVALID_ARGUMENT", `this window on ${path} has no byte on target ${target}`, {
    path,
  });
}
