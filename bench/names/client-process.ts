import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { CaseSetup } from "../harness/case.ts";
import type { ClientOperation, FromClient, ToClient } from "./client-messages.ts";

/** A client in a process of its own; see client-host.ts. */
export class ClientProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async open(setup: CaseSetup, client: number): Promise<ClientProcess> {
    const entry = new URL(`./client-host${path.extname(import.meta.filename)}`, import.meta.url);
    const child = fork(entry, [], { execArgv: [], serialization: "advanced" });
    const opened = new ClientProcess(child);
    await opened.#ask({ open: setup, client });
    return opened;
  }

  async run(
    operation: ClientOperation,
    seed: number,
    forMs: number,
  ): Promise<{ readonly samplesNs: Float64Array; readonly tookMs: number }> {
    const said = await this.#ask({ run: operation, seed, forMs });
    if (!("samplesNs" in said)) throw new Error("a client ran and told no times");
    return said;
  }

  async close(): Promise<void> {
    await this.#ask({ close: true });
    this.#child.disconnect();
  }

  /** Its deadline is that of the case: this process ends with it, and its clients with this process. */
  async #ask(message: ToClient): Promise<FromClient> {
    const gone = new AbortController();
    const ended = once(this.#child, "exit", { signal: gone.signal }).then(() => {
      throw new Error("a client's process has ended");
    });
    ended.catch(() => {});
    this.#child.send(message);
    const answered = once(this.#child, "message", { signal: gone.signal });
    answered.catch(() => {});
    const [said] = (await Promise.race([answered, ended])) as [FromClient];
    gone.abort();
    if ("failed" in said) throw new Error(said.failed);
    return said;
  }
}
