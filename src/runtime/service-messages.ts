import type { LogPlan } from "./logs.ts";

/** What a service says to whoever started it. */
export type ServiceReport =
  | { readonly ready: Record<string, unknown> }
  /** The answer to the order of that number; the samples are checked by whoever takes it. */
  | { readonly metrics: number; readonly samples: unknown }
  | { readonly failed: { readonly code: string; readonly message: string } };

/** What whoever started a service says to it: first its options, later perhaps to stop. */
export type ServiceOrder =
  | { readonly start: unknown; readonly name: string; readonly log: LogPlan }
  /** Asks for the present samples. */
  | { readonly metrics: number }
  | { readonly stop: true };
