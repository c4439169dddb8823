export { findProgram } from "../../src/system/find-program.ts";
