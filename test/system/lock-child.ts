import { lockDirectory } from "../../src/system/lock.ts";

/** Takes the lock of a directory, says its pid, and holds on until it is killed. */
lockDirectory(process.argv[2] as string);
process.stdout.write(`${process.pid}\n`);
setTimeout(() => process.exit(1), 60_000);
