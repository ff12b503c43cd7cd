import { Hono } from "hono";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler, type HandlerOptions } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue, type Store } from "../../src/index.ts";
import { type ClockByHand, clockByHand, start } from "../support/clock.ts";
import { type HttpServer, serveFetch } from "../support/http-server.ts";
import { fails, sendEmail } from "../support/jobs.ts";

/** In the middle of a minute, as is usual when a page is opened. */
export const openedAt = start + 30_000;

const jobs = [
  sendEmail,
  fails,
  defineJob({ name: "report", schedule: { cron: "0 0 9 * * MON-FRI", timeZone: "Europe/Paris" }, perform() {} }),
];

export interface ServedQueue extends HttpServer {
  readonly queue: Queue;
  readonly store: Store;
  readonly clock: ClockByHand;
  /** How often the page has polled. */
  readonly polls: number;
}

/** A queue with a manual clock, and a handler for it with a dashboard on a local port. */
export async function serveQueue(
  options: Partial<HandlerOptions> = {},
  store: Store = memoryStore(),
  mount = "",
): Promise<ServedQueue> {
  const clock = clockByHand(openedAt);
  // Tests dead-letter thousands of jobs. Printing a line for each takes longer than the test.
  const queue = new Queue({ store, jobs, clock, logger: null });
  const app = createHandler({
    ...(!options.queues && { queue }),
    auth: "none",
    dashboard: dashboard(),
    onError: () => {},
    ...options,
  });
  const handler = mount ? new Hono().route(mount, app) : app;
  let polls = 0;
  const server = await serveFetch((request) => {
    if (request.url.includes("/dashboard/data")) polls++;
    return handler.fetch(request);
  });
  return {
    ...server,
    url: server.url + mount,
    queue,
    store,
    clock,
    get polls() {
      return polls;
    },
  };
}

/** A store in memory whose commands cost something, as on Upstash: the page then polls less and less often. */
export function meteredStore(): Store {
  const store = memoryStore();
  return { open: (name, meter) => Object.defineProperty(store.open(name, meter), "isFree", { value: false }) };
}

/** Jobs in every state but running, including dead ones. */
export async function fill(queue: Queue): Promise<void> {
  await queue.enqueueMany([
    { job: "fails", payload: { order: 7 }, id: "order-7" },
    { job: "fails", payload: { order: 8 }, id: "order-8" },
    { job: "send_email", payload: { to: "ada@example.com" }, id: "mail-1" },
  ]);
  await queue.drain();
  await queue.enqueueMany([
    { job: "send_email", payload: { to: "grace@example.com" }, id: "mail-2" },
    { job: "send_email", payload: { to: "edsger@example.com" }, id: "mail-3", delay: "1h" },
  ]);
}

/** Enqueues as a deployment without jobs and schemas would. */
export async function enqueueUnknown({ store, clock }: ServedQueue, name: string, payload: unknown, id: string) {
  await new Queue({ store, clock }).enqueue(name, payload, { id, maxRetries: 0 });
}
