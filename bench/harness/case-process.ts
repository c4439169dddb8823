import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";
import { DidafsError } from "../../src/std/errors.ts";
import type { CasePlan, FromCase, Round, ToCase } from "./messages.ts";

const CLOSE_MS = 5_000;

/** One case in a process of its own. */
export class CaseProcess {
  readonly #name: string;
  readonly #plan: CasePlan;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  #answered: ((said: FromCase) => void) | undefined;

  private constructor(name: string, plan: CasePlan) {
    this.#name = name;
    this.#plan = plan;
    this.#child = fork(new URL(`./case-host${path.extname(import.meta.filename)}`, import.meta.url), [], {
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.#child.on("message", (said) => this.#answered?.(said as FromCase));
  }

  /** Resolves when the case is open and warm. @throws what `open` of the case's module throws; ERR_TIMEOUT */
  static async open(name: string, plan: CasePlan, signal: AbortSignal): Promise<CaseProcess> {
    const running = new CaseProcess(name, plan);
    try {
      await running.#ask({ kind: "open", plan }, plan.withinMs, signal);
      return running;
    } catch (error) {
      await running.kill();
      throw error;
    }
  }

  async round(seed: number, signal: AbortSignal): Promise<Round> {
    const said = await this.#ask({ kind: "round", seed }, this.#plan.withinMs, signal);
    return (said as Extract<FromCase, { kind: "round" }>).round;
  }

  /** Bounded; kills a case that does not end. */
  async close(): Promise<void> {
    await this.#ask({ kind: "close" }, CLOSE_MS, undefined).catch(() => {});
    await this.kill();
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.#ended;
  }

  async #ask(message: ToCase, withinMs: number, signal: AbortSignal | undefined): Promise<FromCase> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<FromCase>();
    const fail = (code: "ERR_TIMEOUT" | "ERR_INTERNAL", what: string): void =>
      reject(new DidafsError(code, `case ${this.#name} ${what}`));
    const timer = setTimeout(
      () => fail("ERR_TIMEOUT", `gave no sign of life for ${withinMs} ms during "${message.kind}"`),
      withinMs,
    );
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    this.#answered = (said) => {
      if (said.kind === "progressed") timer.refresh();
      else resolve(said);
    };
    void this.#ended.then((how) => fail("ERR_INTERNAL", `ended (${how})`));
    if (this.#child.connected) this.#child.send(message, () => {});
    try {
      const said = await promise;
      if (said.kind !== "failed") return said;
      throw new DidafsError("ERR_INTERNAL", `case ${this.#name} failed: ${said.message}`);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      this.#answered = undefined;
    }
  }
}
