import { createHandler, type HandlerOptions } from "../../src/http/handler.ts";
import { memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { fails, sendEmail } from "../support/jobs.ts";

export { fails, sendEmail };

export interface SetUp {
  readonly handler?: Partial<HandlerOptions>;
  readonly queue?: Partial<QueueOptions>;
}

/** A handler on a memory store, without tokens by default, with a manual clock. */
export function setUp({ handler, queue: queueOptions }: SetUp = {}) {
  const clock = clockByHand(start);
  const jobs = [sendEmail, fails];
  const queue = new Queue({ store: memoryStore(), jobs, clock, random: () => 0.5, ...queueOptions });
  const app = createHandler(handler?.queues ? { auth: "none", ...handler } : { queue, auth: "none", ...handler });
  return { clock, queue, app, ...sender(app.fetch) };
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // The tests check the shape of each answer.
  readonly body: Record<string, unknown>;
}

type Fetch = (request: Request, ...rest: never[]) => Response | Promise<Response>;

/** Sends requests as most clients do. */
export function sender(fetch: Fetch, base = "") {
  const send = async (request: Request): Promise<Reply> => {
    const response = await fetch(request);
    const text = await response.text();
    const isJson = text !== "" && /json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
  };
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    send(
      new Request(`http://queue.test${base}${path}`, {
        method,
        headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
  return { send, call };
}

/** Everything that can be read from a queue, to prove that nothing was written. */
export async function snapshot(queue: Queue): Promise<string> {
  const seen = [await queue.getStats(), await queue.listJobs({ limit: 1_000 }), await queue.schedules.list()];
  return JSON.stringify(seen);
}

/** A handler with a waitUntil that collects its promises. */
export function withBackground(parts: SetUp = {}) {
  const promises: Promise<unknown>[] = [];
  const waitUntil = (promise: Promise<unknown>) => void promises.push(promise);
  const made = setUp({ ...parts, handler: { waitUntil, ...parts.handler } });
  return { ...made, promises, settled: () => Promise.all(promises) };
}
