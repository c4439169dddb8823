// Writes docs/errors.md from the table of errors in src/std/errors.ts; a test compares them.
import { writeFileSync } from "node:fs";

// Not a literal: the gates are tried on a sample project that holds these scripts and other sources.
const page = new URL("../src/cli/error-page.ts", import.meta.url);
const { errorPage } = await import(page.href);
writeFileSync(new URL("../docs/errors.md", import.meta.url), errorPage());
