import { DidafsError } from "./errors.ts";

/**
 * The refusal of what another version of DiDAFS stored.
 * @param what up to the number: "the metadata have format"
 * @param known the newest that this program reads
 */
export function storedByAnother(what: string, found: number, known: number): DidafsError {
  const orNewer = found > known ? " or a newer one" : "";
  return new DidafsError(
    "ERR_VERSION",
    `${what} ${found}, this version of didafs knows ${known}; use the version that wrote it${orNewer}`,
  );
}

/**
 * The refusal of what another version of DiDAFS says.
 * @param what up to the number: "the peer speaks wire version"
 */
export function saidByAnother(what: string, found: number, known: number): DidafsError {
  return new DidafsError(
    "ERR_VERSION",
    `${what} ${found}, this is ${known}; use the same version of didafs on both sides`,
  );
}
