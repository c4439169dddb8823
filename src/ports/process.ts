/** One process, told apart from any that gets its number later. */
export interface ProcessWatch {
  readonly ended: boolean;
  close(): void;
}

/** The processes of this machine. */
export interface Processes {
  /** When the process with that number started, as it were its second name; undefined where there is none. */
  startOf(pid: number): string | undefined;
  /** @param start what startOf said of it */
  watch(pid: number, start: string): ProcessWatch;
}
