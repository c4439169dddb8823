import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isProcess, until } from "../runtime/scratch.ts";
import type { ServiceList, SupervisorPlan } from "./processes/supervisor.ts";

const SUPERVISOR = new URL("./processes/supervisor.ts", import.meta.url);
const START_MS = 30_000;
const ANSWER_MS = 10_000;
const STOP_MS = 30_000;
/** A service that fails for the fifth time within 30 s is left down by its supervisor. */
const BUDGET_MS = 30_000;
const BUDGET_KILLS = 3;

export interface ServicesOptions {
  readonly targets: number;
  /** Entry file of the targets; default: the real one. */
  readonly target?: URL | undefined;
  /** For the services. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface Service {
  readonly name: string;
  readonly pid: number;
}

/** The processes of one cluster on drives of its own, to be killed and paused. */
export class Services implements AsyncDisposable {
  readonly #home = mkdtempSync(path.join(tmpdir(), "didafs-failure-"));
  readonly #options: ServicesOptions;
  readonly #keyHex = randomBytes(32).toString("hex");
  readonly data = path.join(this.#home, "data");
  readonly keyFile = path.join(this.#home, "key");
  #supervisor: ChildProcess | undefined;
  #errors = "";
  #url = "";
  /** When which service was killed since its supervisor began. */
  #kills: { readonly name: string; readonly atMs: number }[] = [];
  /** Processes that may live; none is left behind. */
  readonly #pids = new Set<number>();

  private constructor(options: ServicesOptions) {
    this.#options = options;
    writeFileSync(this.keyFile, this.#keyHex, { mode: 0o600 });
  }

  static async start(options: ServicesOptions): Promise<Services> {
    const services = new Services(options);
    try {
      await services.up();
    } catch (error) {
      await services[Symbol.asyncDispose]();
      throw error;
    }
    return services;
  }

  get url(): string {
    return this.#url;
  }

  /** Starts a supervisor, on the port of the one before. */
  async up(): Promise<void> {
    const { targets, target, env } = this.#options;
    const plan: SupervisorPlan = {
      dir: this.data,
      keyHex: this.#keyHex,
      targets,
      port: this.#url === "" ? 0 : Number(new URL(this.#url).port),
      target: target?.href,
    };
    const child = fork(SUPERVISOR, [JSON.stringify(plan)], {
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { ...process.env, ...env },
    });
    this.#supervisor = child;
    this.#kills = [];
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    const { url } = await this.#hear<{ url: string }>("url", START_MS);
    this.#url = url;
    await this.list();
  }

  /** The services that run at this moment. */
  async list(): Promise<Service[]> {
    const heard = this.#hear<ServiceList>("services", ANSWER_MS);
    this.#supervisor?.send("services");
    const { services } = await heard;
    const running = services.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
    for (const { pid } of running) this.#pids.add(pid);
    return running;
  }

  /** Whether its supervisor would start it again if it were killed once more. */
  mayBeKilled(name: string): boolean {
    const sinceMs = performance.now() - BUDGET_MS;
    return this.#kills.filter((kill) => kill.name === name && kill.atMs > sinceMs).length < BUDGET_KILLS;
  }

  /** SIGKILL to all of them at once. */
  kill(victims: readonly Service[]): void {
    for (const victim of victims) {
      this.died(victim);
      signal(victim.pid, "SIGKILL");
    }
  }

  /** It has ended by itself. */
  died({ name }: Service): void {
    this.#kills.push({ name, atMs: performance.now() });
  }

  /** SIGKILL to the supervisor, and to all services or to none: those notice by themselves. */
  async killSupervisor(withServices: boolean): Promise<void> {
    const services = withServices ? await this.list() : [];
    const { pid } = this.#supervisor as ChildProcess;
    signal(pid as number, "SIGKILL");
    this.kill(services);
    await until(() => !isProcess(pid));
  }

  async pause(victim: Service, milliseconds: number): Promise<void> {
    signal(victim.pid, "SIGSTOP");
    try {
      await sleep(milliseconds);
    } finally {
      signal(victim.pid, "SIGCONT");
    }
  }

  /** Resolves once every service runs, each as another process than those of `former`. */
  async whole(former: readonly Service[] = []): Promise<void> {
    const gone = new Set(former.map(({ pid }) => pid));
    const deadlineMs = performance.now() + START_MS;
    for (;;) {
      const running = (await this.list()).filter(({ pid }) => !gone.has(pid) && isProcess(pid));
      if (running.length === this.#options.targets + 1) return;
      if (performance.now() > deadlineMs) throw new Error(`not all services came back\n${this.logTail()}`);
      await sleep(50);
    }
  }

  /** What services and supervisor wrote that they should not have: crashes of their own, faults, services left down. */
  complaints(): string[] {
    const folder = path.join(this.data, "logs");
    const logs = readdirSync(folder).sort();
    const crashes = logs
      .filter((name) => name.includes(".stderr") && statSync(path.join(folder, name)).size > 0)
      .map((name) => `${name}: ${readFileSync(path.join(folder, name), "utf8").slice(0, 2000)}`);
    const errors = logs
      .filter((name) => name.endsWith(".log"))
      .flatMap((name) => readFileSync(path.join(folder, name), "utf8").split("\n"))
      .filter((line) => line.includes('"level":"error"'))
      // What a killed supervisor has left still holds its folder: the next one tries again.
      .filter((line) => !line.includes('"code":"ERR_ALREADY_RUNNING"'));
    return [...crashes, ...errors, ...(this.#errors === "" ? [] : [`supervisor: ${this.#errors}`])];
  }

  logTail(): string {
    return readFileSync(path.join(this.data, "logs/supervisor.log"), "utf8").slice(-3000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const child = this.#supervisor;
      if (child?.connected) {
        child.send("stop");
        await until(() => !isProcess(child.pid), STOP_MS);
      }
    } finally {
      for (const pid of [this.#supervisor?.pid, ...this.#pids]) {
        if (pid !== undefined && isOurs(pid)) signal(pid, "SIGKILL");
      }
      rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  /** The supervisor's next message that has `field`. */
  async #hear<M>(field: string, limitMs: number): Promise<M> {
    const child = this.#supervisor as ChildProcess;
    const heard = Promise.withResolvers<M>();
    const fail = (why: string) => heard.reject(new Error(`the supervisor ${why}\n${this.#errors}`));
    const take = (message: object): void => {
      if (field in message) heard.resolve(message as M);
    };
    const exited = (): void => fail("ended");
    const timer = setTimeout(() => fail("said nothing"), limitMs);
    child.on("message", take).on("exit", exited);
    try {
      return await heard.promise;
    } finally {
      clearTimeout(timer);
      child.off("message", take).off("exit", exited);
    }
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The number may belong to somebody else by now. */
function isOurs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("-thread.ts");
  } catch {
    return false;
  }
}
