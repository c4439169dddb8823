// Writes the table of all classes of epochs into docs/epochs.md, from src/epoch/epoch-class.ts; a test compares them.
import { readFileSync, writeFileSync } from "node:fs";

// Not a literal: the gates are tried on a sample project that holds these scripts and other sources.
const table = new URL("../src/cli/epoch-class-table.ts", import.meta.url);
const { EPOCH_CLASS_HEADING, epochClassTable } = await import(table.href);
const page = new URL("../docs/epochs.md", import.meta.url);
const [before, section] = readFileSync(page, "utf8").split(`${EPOCH_CLASS_HEADING}\n`);
const intro = section.slice(0, section.indexOf("\n|"));
const next = section.indexOf("\n## ");
const behind = next < 0 ? "" : section.slice(next);
writeFileSync(page, `${before}${EPOCH_CLASS_HEADING}\n${intro}\n${epochClassTable()}\n${behind}`);
