import { findProgram } from "../harness/installed.ts";
import type { CaseSpec } from "../harness/row.ts";

/** MPI_Get over TCP. Nothing to run it with comes with an MPI library, and there is no program of ours yet. */
export const openMpi: CaseSpec["open"] = async () => {
  if (findProgram("mpicc") === undefined) return { absent: "MPI (mpicc) is not installed" };
  return { absent: "MPI is installed, but this bench has no program for it yet" };
};
