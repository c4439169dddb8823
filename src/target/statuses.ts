import { BAD_HANDLE, NO_RIGHT } from "../iommu/domain.ts";
import { statusOf } from "../std/errors.ts";

// The numbers that a worker answers with, looked up once.
export const OK = 0;
export const ABORTED: number = statusOf("ERR_ABORTED");
export const ALIGNMENT: number = statusOf("ERR_ALIGNMENT");
export const AUTH: number = statusOf("ERR_AUTH");
export const DEADLOCK: number = statusOf("ERR_DEADLOCK");
export const GROUP_ENDED: number = statusOf("ERR_GROUP_ENDED");
export const GROUP_TAKEN: number = statusOf("ERR_GROUP_TAKEN");
export const INPUT_OUTPUT: number = statusOf("ERR_IO");
export const INVALID_ARGUMENT: number = statusOf("ERR_INVALID_ARGUMENT");
export const NOT_DURABLE: number = statusOf("ERR_NOT_DURABLE");
export const NOT_SUPPORTED: number = statusOf("ERR_NOT_SUPPORTED");
export const PROTOCOL: number = statusOf("ERR_PROTOCOL");
export const RANGE: number = statusOf("ERR_RANGE");
export const REVOKED: number = statusOf("ERR_REVOKED");
export const TIMEOUT: number = statusOf("ERR_TIMEOUT");
export const TOO_MANY: number = statusOf("ERR_TOO_MANY");
export const VERSION: number = statusOf("ERR_VERSION");
export const UNBOUND: number = statusOf("ERR_BAD_HANDLE");
const RIGHTS = statusOf("ERR_RIGHTS");

/** The status that stands for a refusal of Domain.translate. */
export function refusalStatus(refusal: number): number {
  if (refusal === BAD_HANDLE) return UNBOUND;
  return refusal === NO_RIGHT ? RIGHTS : RANGE;
}
