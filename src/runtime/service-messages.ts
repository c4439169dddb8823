import type { LogPlan } from "./logs.ts";

/** What a service says to whoever started it. */
export type ServiceReport =
  | { readonly ready: Record<string, unknown> }
  | { readonly failed: { readonly code: string; readonly message: string } };

/** What whoever started a service says to it: first its options, later perhaps to stop. */
export type ServiceOrder =
  | { readonly start: unknown; readonly name: string; readonly log: LogPlan }
  | { readonly stop: true };
