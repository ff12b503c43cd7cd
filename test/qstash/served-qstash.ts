import { Client, Receiver } from "@upstash/qstash";
import { afterEach } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue, type Store } from "../../src/index.ts";
import { createQStash, type QStashOptions } from "../../src/qstash/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { type HttpServer, serveFetch } from "../support/http-server.ts";

export const token = "the-qstash-token";
export const signingKeys = { current: "sig_current_key", next: "sig_next_key" };
export const target = "https://app.test/hook";

/** A delivery, as its destination got it. */
export interface Delivery {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
  readonly bytes: Uint8Array;
  readonly redirect: RequestRedirect | undefined;
}

type Destination = (delivery: Delivery) => Response | Promise<Response>;

const servers: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

export interface Parts {
  readonly store?: Store;
  readonly qstash?: Partial<QStashOptions>;
  /** What destinations answer. Default: 200. */
  readonly destination?: Destination;
  /** The first time of the clock. */
  readonly startsAt?: number;
  /** As in `new Queue`. Default true. */
  readonly observe?: boolean;
}

/** A handler with QStash's interface, on a manual clock, and the requests that its destinations got. */
export function qstashHandler(parts: Parts = {}) {
  const { store = memoryStore(), qstash: options, destination, startsAt = start, observe = true } = parts;
  const clock = clockByHand(startsAt);
  const deliveries: Delivery[] = [];
  const send = async (url: RequestInfo | URL, init: RequestInit = {}) => {
    const { method = "GET", redirect } = init;
    const bytes = new Uint8Array(await new Response(init.body ?? null).arrayBuffer());
    const body = new TextDecoder().decode(bytes);
    const delivery = { url: String(url), method, headers: new Headers(init.headers), body, bytes, redirect };
    deliveries.push(delivery);
    return destination ? destination(delivery) : new Response("fine");
  };
  const targets = ["https://app.test/*", "https://app.example.com/*"];
  const qstash = createQStash({ tokens: [token], signingKeys, targets, fetch: send, ...options });
  const queue = new Queue({ store, jobs: qstash.jobs, clock, logger: null, observe });
  const app = createHandler({ queue, auth: { admin: ["the-admin-token"] }, qstash });
  /** Sends a request with the token, as a client without the SDK does. */
  const call = (method: string, path: string, init: Omit<RequestInit, "method"> = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("Authorization")) headers.set("Authorization", `Bearer ${token}`);
    return Promise.resolve(app.fetch(new Request(`http://queue.test${path}`, { ...init, method, headers })));
  };
  return { clock, queue, app, call, deliveries, qstash };
}

/** The same, served over HTTP, to the SDK of QStash. */
export async function servedQStash(parts: Parts = {}) {
  const handler = qstashHandler(parts);
  const server = await serveFetch((request) => handler.app.fetch(request));
  servers.push(server);
  const client = new Client({ baseUrl: server.url, token, retry: false });
  return { ...handler, client, baseUrl: server.url };
}

/** Verifies a delivery with the receiver of the SDK, which uses the machine's clock. The queue's clock is manual. */
export function verify({ headers, body, url }: Delivery, keys = signingKeys): Promise<boolean> {
  const receiver = new Receiver({ currentSigningKey: keys.current, nextSigningKey: keys.next });
  const signature = headers.get("upstash-signature") ?? "";
  return receiver.verify({ signature, body, url, clockTolerance: Number.MAX_SAFE_INTEGER / 1e6 });
}
