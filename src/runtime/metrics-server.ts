import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DidafsError } from "../std/errors.ts";
import type { HealthWatch } from "./cluster-health.ts";
import { metricsText } from "./metrics.ts";

const CONNECTIONS_MAX = 64;
const HEADER_BYTES_MAX = 8192;
const REQUEST_MS = 5000;

export interface MetricsServer {
  /** Without a path: `/metrics` and `/healthz` follow. */
  readonly url: string;
  close(): void;
}

/** Serves /metrics and /healthz to whoever may connect. @throws ERR_PORT_IN_USE, ERR_INVALID_ARGUMENT (no such address here) */
export async function serveMetrics(host: string, port: number, watch: HealthWatch): Promise<MetricsServer> {
  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: REQUEST_MS,
    connectionsCheckingInterval: 1000,
  };
  const server = createServer(limits, (request, response) => {
    answer(request, response, watch).catch(() => response.destroy());
  });
  server.maxConnections = CONNECTIONS_MAX;
  const listening = Promise.withResolvers<void>();
  server.once("error", (error: NodeJS.ErrnoException) => listening.reject(listenError(error, host, port)));
  server.listen({ host, port }, () => listening.resolve());
  await listening.promise;
  // Accepting may fail later (no descriptor left); that is no reason to end.
  server.on("error", () => {});
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, watch: HealthWatch): Promise<void> {
  const path = request.url?.replace(/\?.*$/, "");
  if (path !== "/metrics" && path !== "/healthz")
    return send(request, response, 404, "text/plain", "not found\n");
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return send(request, response, 405, "text/plain", "GET and HEAD only\n");
  }
  const { samples, health } = await watch.look();
  if (path === "/metrics") {
    send(request, response, 200, "text/plain; version=0.0.4; charset=utf-8", metricsText(samples));
  } else {
    send(request, response, health.healthy ? 200 : 503, "application/json", `${JSON.stringify(health)}\n`);
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(request.method === "HEAD" ? undefined : body);
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): DidafsError {
  if (cause.code === "EADDRINUSE") {
    return new DidafsError("ERR_PORT_IN_USE", `port ${port} of ${host} (for metrics) is in use`, { cause });
  }
  return new DidafsError(
    "ERR_INVALID_ARGUMENT",
    `cannot serve metrics on ${host}:${port}: ${cause.message}`,
    {
      cause,
    },
  );
}
