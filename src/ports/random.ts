/** Unpredictable bytes in production, a seeded sequence in simulation. */
export interface Random {
  bytes(count: number): Uint8Array<ArrayBuffer>;
}
