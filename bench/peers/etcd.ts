import { Agent, type IncomingMessage, request } from "node:http";
import type { Parameters } from "../harness/case.ts";
import { findProgram } from "../harness/installed.ts";
import { openModule } from "../harness/module-case.ts";
import type { CaseSpec } from "../harness/row.ts";
import { freePort, startGuarded, untilItAnswers } from "./guarded.ts";

/** An etcd client of this bench: the module, with the port of a server of its own among its parameters. */
export function openEtcdModule(module: string, parameters: Parameters): CaseSpec["open"] {
  return async (context, row, spec) => {
    const program = findProgram("etcd");
    if (program === undefined) return { absent: "etcd is not installed" };
    const [port, peerPort] = [await freePort(), await freePort()];
    const [clients, peers] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
    const server = startGuarded(program, [
      ...["--data-dir", context.directory(`${row.id}-${spec.id}-server`)],
      ...["--listen-client-urls", clients, "--advertise-client-urls", clients],
      ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers],
      ...["--initial-cluster", `default=${peers}`],
    ]);
    try {
      await untilItAnswers("etcd", port, context.signal);
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

/** What a range holds of a key. */
interface Ranged {
  readonly kvs?: readonly { readonly value: string }[];
}

/** The server's gRPC by its own gateway, which takes JSON: keys and values in base64. */
export class EtcdClient {
  readonly #port: number;
  readonly #agent: Agent;

  /** @param connections that it keeps, for as many calls at once */
  constructor(port: number, connections: number) {
    this.#port = port;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Resolves when it would survive power loss. */
  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#call("put", { key: base64(Buffer.from(key)), value: base64(value) });
  }

  async get(key: string): Promise<Uint8Array> {
    const { kvs } = JSON.parse(await this.#call("range", { key: base64(Buffer.from(key)) })) as Ranged;
    return Buffer.from(kvs?.[0]?.value ?? "", "base64");
  }

  close(): void {
    this.#agent.destroy();
  }

  #call(does: "put" | "range", asked: Readonly<Record<string, string>>): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const where = { host: "127.0.0.1", port: this.#port, path: `/v3/kv/${does}`, agent: this.#agent };
    const call = request({ ...where, method: "POST" }, (answer: IncomingMessage) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("error", reject);
      answer.on("end", () =>
        answer.statusCode === 200
          ? resolve(text)
          : reject(new Error(`etcd answered ${answer.statusCode}: ${text}`)),
      );
    });
    call.on("error", reject);
    call.end(JSON.stringify(asked));
    return promise;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
