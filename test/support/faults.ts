import { Agent, type IncomingMessage, type ServerResponse, request as sendRequest } from "node:http";
import { setTimeout } from "node:timers/promises";
import { readBody, sendJson, serveHttp } from "./http-server.ts";

/**
 * A fault of one request:
 *
 * - `drop-request`: the connection ends before the target gets the request.
 * - `drop-reply`: the target answers, and the connection ends before the answer.
 * - `half-body`: the target answers, and the connection ends in the middle of the answer.
 * - `duplicate`: the target runs the request twice, one after the other; the first answer is used.
 * - `duplicate-first`: the same, and the second answer is used.
 * - `meanwhile`: the target answers, something else happens, and the connection ends before the answer.
 * - `delayMs`: the request reaches the target this much later, even if the client has given up by then.
 * - `error-500`, `html`, `quota`, `full`: the target gets nothing. The answer is an error 500, a page with status 200,
 *   the refusal of an exhausted monthly quota, or of a full database.
 */
export type Fault =
  | "drop-request"
  | "drop-reply"
  | "half-body"
  | "duplicate"
  | "duplicate-first"
  | "error-500"
  | "html"
  | "quota"
  | "full"
  | { readonly meanwhile: () => Promise<unknown> }
  | { readonly delayMs: number };

export interface ProxiedRequest {
  readonly body: string;
  /** The number of earlier requests. */
  readonly index: number;
}

export interface FaultProxy {
  readonly url: string;
  /** The number of HTTP requests so far. */
  readonly requests: number;
  /** Queues a fault for one request. Queued faults come first, each for the next request in turn. */
  next(...faults: Fault[]): void;
  /** Drops the queued faults that no request has used. */
  forget(): void;
  /** Makes a function choose the fault of each request, until it is replaced. */
  decide(choose: ((request: ProxiedRequest) => Fault | undefined) | undefined): void;
  /** Gives each request the same fault, if no other is chosen; `undefined` ends that. */
  always(fault: Fault | undefined): void;
  stop(): Promise<void>;
}

/** Starts an HTTP proxy that injects faults into chosen requests to `targetUrl`, and passes the others on unchanged. */
export async function startFaultProxy(targetUrl: string): Promise<FaultProxy> {
  const queue: Fault[] = [];
  const agent = new Agent({ keepAlive: true });
  let choose: ((request: ProxiedRequest) => Fault | undefined) | undefined;
  let everyFault: Fault | undefined;
  let requests = 0;
  const server = await serveHttp(async (request, response) => {
    const index = requests;
    requests += 1;
    const body = await readBody(request);
    const fault = queue.shift() ?? choose?.({ body: body.toString(), index }) ?? everyFault;
    await answer(fault, response, () => forward(request, body, targetUrl, agent));
  });
  return {
    url: server.url,
    get requests() {
      return requests;
    },
    next: (...faults) => void queue.push(...faults),
    forget: () => void queue.splice(0),
    decide(chooser) {
      choose = chooser;
    },
    always(fault) {
      everyFault = fault;
    },
    async stop() {
      await server.stop();
      agent.destroy();
    },
  };
}

interface ForwardedAnswer {
  readonly message: IncomingMessage;
  readonly body: Buffer;
}

async function answer(
  fault: Fault | undefined,
  response: ServerResponse,
  send: () => Promise<ForwardedAnswer>,
): Promise<void> {
  switch (fault) {
    case "drop-request":
      return drop(response);
    case "error-500":
      return sendJson(response, 500, JSON.stringify({ error: "ERR internal server error" }));
    case "html":
      return sendPage(response);
    case "quota":
      return sendJson(response, 400, JSON.stringify({ error: QUOTA_ERROR }));
    case "full":
      return sendJson(response, 400, JSON.stringify({ error: FULL_ERROR }));
  }
  if (typeof fault === "object" && "delayMs" in fault) await setTimeout(fault.delayMs);
  if (fault === "duplicate-first") await send();
  const first = await send();
  if (typeof fault === "object" && "meanwhile" in fault) {
    await fault.meanwhile();
    return drop(response);
  }
  if (fault === "drop-reply") return drop(response);
  if (fault === "half-body") return sendHalf(response, first);
  if (fault === "duplicate") await send();
  response.writeHead(first.message.statusCode ?? 500, first.message.headers);
  response.end(first.body);
}

const QUOTA_ERROR =
  "ERR max requests limit exceeded. Limit: 500000, Usage: 500000. See https://upstash.com/docs/redis/troubleshooting/max_requests_limit for details";
const FULL_ERROR = "OOM command not allowed when used memory > 'maxmemory'.";

function drop(response: ServerResponse): void {
  response.socket?.destroy();
}

function sendPage(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/html" });
  response.end("<!doctype html><title>Checking your browser</title><p>One moment, please.</p>");
}

function sendHalf(response: ServerResponse, { message, body }: ForwardedAnswer): void {
  response.writeHead(message.statusCode ?? 500, message.headers);
  response.write(body.subarray(0, Math.ceil(body.length / 2)), () => drop(response));
}

function forward(request: IncomingMessage, body: Buffer, targetUrl: string, agent: Agent): Promise<ForwardedAnswer> {
  return new Promise((resolve, reject) => {
    const options = { agent, method: request.method ?? "POST", headers: request.headers };
    const forwarded = sendRequest(new URL(request.url ?? "/", targetUrl), options, (message) => {
      readBody(message).then((answerBody) => resolve({ message, body: answerBody }), reject);
    });
    forwarded.once("error", reject);
    forwarded.end(body);
  });
}
