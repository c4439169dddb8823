import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { CaseSetup } from "../harness/case.ts";
import type { Added } from "./words.ts";

export type ToPartner =
  | { readonly tell: "open"; readonly setup: CaseSetup }
  | { readonly tell: "start" | "stop" | "close" };

export type FromPartner =
  | { readonly done: true }
  | (Added & { readonly tookMs: number })
  | { readonly failed: string };

/** A process that adds to the same word; see partner-host.ts. It ends with this one. */
export class Partner {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async open(setup: CaseSetup): Promise<Partner> {
    const entry = new URL(`./partner-host${path.extname(import.meta.filename)}`, import.meta.url);
    const opened = new Partner(fork(entry, [], { execArgv: [], serialization: "advanced" }));
    await opened.#ask({ tell: "open", setup });
    return opened;
  }

  /** Resolves when it is adding. */
  async start(): Promise<void> {
    await this.#ask({ tell: "start" });
  }

  async stop(): Promise<Added & { readonly tookMs: number }> {
    const said = await this.#ask({ tell: "stop" });
    if (!("operations" in said)) throw new Error("the other process told nothing of what it added");
    return said;
  }

  async close(): Promise<void> {
    await this.#ask({ tell: "close" });
    this.#child.disconnect();
  }

  /** Its deadline is that of the case. */
  async #ask(message: ToPartner): Promise<FromPartner> {
    const settled = new AbortController();
    const gone = once(this.#child, "exit", { signal: settled.signal }).then(() => {
      throw new Error("the other process has ended");
    });
    gone.catch(() => {});
    const answered = once(this.#child, "message", { signal: settled.signal });
    answered.catch(() => {});
    this.#child.send(message);
    const [said] = (await Promise.race([answered, gone])) as [FromPartner];
    settled.abort();
    if ("failed" in said) throw new Error(said.failed);
    return said;
  }
}
