import type { Transport } from "../../client/api.ts";

/** Of a simulated cluster: what runs where. Machines have numbers. */
export interface Shape {
  readonly machines: number;
  readonly metaMachine: number;
  readonly targets: readonly TargetPlan[];
  readonly clients: readonly ClientPlan[];
  /** Bytes that a stream holds in each direction. */
  readonly bufferBytes: number;
  /** How often a packet between machines is lost. */
  readonly lossRate: number;
  /** How often a send or a receive moves less than it could. */
  readonly cutRate: number;
}

export interface TargetPlan {
  readonly machine: number;
  readonly drive: "file" | "memory";
  readonly workers: number;
  /** Syncs of its disk take so many times as long as those of a fast one. */
  readonly pace: number;
}

export interface ClientPlan {
  readonly machine: number;
  readonly transport: Transport;
  readonly leaseMs: number;
  readonly timeoutMs: number;
}

export const machineName = (number: number): string => `machine-${number}`;

/** 32 hex digits. */
export const targetId = (number: number): string =>
  String(number + 1)
    .repeat(32)
    .slice(0, 32);
