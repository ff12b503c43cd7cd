import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type HttpServer, readBody, serveHttp } from "../support/http-server.ts";

/** One request that a receiver got. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How a receiver responds: with a status, or never. */
export type Answer = { readonly status: number; readonly headers?: Record<string, string> } | "never";

export interface Receiver extends HttpServer {
  /** What it has responded to with 200. */
  readonly received: Received[];
  /** All requests, those that it refused as well. */
  readonly requests: Received[];
  /** How it responds. Default: 200. */
  answer: Answer;
}

/** A receiver of alerts, which a test can have fail. @param port default: a free one. */
export async function startReceiver(port?: number): Promise<Receiver> {
  const state = { received: [] as Received[], requests: [] as Received[], answer: { status: 200 } as Answer };
  const server = await serveHttp(async (request, response) => {
    const got = { headers: request.headers, body: (await readBody(request)).toString() };
    state.requests.push(got);
    if (state.answer === "never") return;
    if (state.answer.status === 200) state.received.push(got);
    response.writeHead(state.answer.status, state.answer.headers).end();
  }, port);
  return Object.assign(state, server);
}

/** Whether a request is signed with the secret, as a receiver checks it by the text of Standard Webhooks. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const text = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const expected = createHmac("sha256", key).update(text).digest();
  return String(headers["webhook-signature"])
    .split(" ")
    .some((signature) => {
      const [version, mac = ""] = signature.split(",");
      const given = Buffer.from(mac, "base64");
      return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
    });
}
