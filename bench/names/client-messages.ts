import type { CaseSetup } from "../harness/case.ts";

export type ClientOperation = "create" | "open" | "stat" | "unlink";

export type ToClient =
  | { readonly open: CaseSetup; readonly client: number }
  | { readonly run: ClientOperation; readonly seed: number; readonly forMs: number }
  | { readonly close: true };

export type FromClient =
  | { readonly done: true }
  | { readonly samplesNs: Float64Array; readonly tookMs: number }
  | { readonly failed: string };

/** The directory in which all clients work. */
export const DIRECTORY = "/clients";
