/** Something that is not installed here. */
export interface Absent {
  /** What is missing, for the report. */
  readonly absent: string;
}
