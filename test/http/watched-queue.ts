import { onTestFinished } from "vitest";
import { createHandler, type HandlerOptions } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { faultyStore, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { readEvents } from "../support/job-events.ts";

export const watchSecret = "a secret of the tests";

/** What a running job does next: it reports progress, returns a result, or throws. */
type Step = { readonly progress: unknown } | { readonly returns: unknown } | { readonly throws: string };

export interface WatchedSetUp {
  readonly handler?: Partial<HandlerOptions>;
  readonly queue?: Partial<QueueOptions>;
}

/** A handler for jobs that do what the test tells them, and whose events it reads. */
export function watchedQueue({ handler, queue: options }: WatchedSetUp = {}) {
  const clock = testClock(start);
  const store = faultyStore(options?.store ?? memoryStore(), [], { clock });
  const waiting: ((step: Step) => void)[] = [];
  const importRows = defineJob({
    name: "import_rows",
    maxRetries: 0,
    timeout: "12h",
    async perform(_: undefined, job) {
      for (;;) {
        const step = await new Promise<Step>((resolve) => waiting.push(resolve));
        if ("throws" in step) throw new TypeError(step.throws);
        if ("returns" in step) return step.returns;
        await job.progress(step.progress);
      }
    },
  });
  const jobs = [importRows];
  const queue = new Queue({ jobs, clock, random: () => 0.5, watchSecret, logger: null, ...options, store });
  const errors: unknown[] = [];
  const auth = { enqueue: ["the-enqueue-token"], read: ["the-read-token"], admin: ["the-admin-token"] };
  const { fetch } = createHandler({ queue, auth, onError: (error) => errors.push(error), ...handler });
  /** Asks for the events of a job, with a watch token. */
  const watch = async (id: string, headers: Record<string, string> = {}, results = false) => {
    const token = await queue.watchToken(id, { ttl: "24h", results });
    return fetch(new Request(`http://queue.test/jobs/${id}/events?token=${token}`, { headers }));
  };
  /** The same, and reads the events as they come. */
  const view = async (...given: Parameters<typeof watch>) => {
    const events = readEvents(await watch(...given));
    onTestFinished(() => events.leave());
    await clock.advance(0);
    return events;
  };
  /** Starts a drain, which runs the job `id` until the test ends it. */
  const begin = async (id: string) => {
    await queue.enqueue(importRows, undefined, { id });
    void queue.drain({ maxJobs: 1, timeBudget: "24h" });
    await clock.advance(0);
  };
  const act = async (step: Step) => {
    waiting.shift()?.(step);
    await clock.advance(0);
  };
  const reads = () => store.calls.filter(({ method }) => method === "find").length;
  return { clock, queue, store, importRows, fetch, watch, view, begin, act, errors, reads };
}
