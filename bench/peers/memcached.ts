import type { Parameters } from "../harness/case.ts";
import { findProgram } from "../harness/installed.ts";
import { openModule } from "../harness/module-case.ts";
import type { CaseSpec } from "../harness/row.ts";
import { freePort, startGuarded, untilItAnswers } from "./guarded.ts";

/** A memcached client of this bench: the module, with the port of a server of its own among its parameters. */
export function openMemcachedModule(module: string, parameters: Parameters): CaseSpec["open"] {
  return async (context, row, spec) => {
    const program = findProgram("memcached");
    if (program === undefined) return { absent: "memcached is not installed" };
    const port = await freePort();
    // It refuses to be root unless it is told whom to be.
    const user = process.getuid?.() === 0 ? ["-u", "root"] : [];
    const server = startGuarded(program, [...user, "-l", "127.0.0.1", "-p", `${port}`, "-U", "0", "-t", "1"]);
    try {
      await untilItAnswers("memcached", port, context.signal);
      const opened = await openModule(module, { ...parameters, port })(context, row, spec);
      if ("absent" in opened) return opened;
      return {
        round: (seed, signal) => opened.round(seed, signal),
        async close() {
          await opened.close();
          await server.stop();
        },
      };
    } catch (error) {
      await server.stop();
      throw error;
    }
  };
}
