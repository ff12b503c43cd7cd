import type { FlowControlKey } from "../../core/flow/flow-key.ts";
import { changeFlow } from "../../core/flow/flow-keys.ts";
import { checkLimits, HIGHEST_LIMIT } from "../../core/job/flow-control.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import type { FlowChange } from "../../core/store/flow.ts";
import { type QStashCall, readFlag, route } from "../api/call.ts";
import { flowKeyOf, messageKeyOf, readLimit, readPeriod } from "../messages/flow-control.ts";

export const flowControlRoutes = [
  route("GET flowControl", async ({ queue, query }) => {
    const search = query.get("search") ?? "";
    const views = [];
    for await (const { keys } of pagesOf((cursor) => queue.flowControl.list({ cursor, limit: 1_000 }))) {
      for (const state of keys) {
        const key = messageKeyOf(state.key);
        if (key?.includes(search)) views.push(await keyView(queue, key, state));
      }
    }
    return views;
  }),
  route("GET flowControl/:key", async ({ queue, target: key }) => {
    const state = await queue.flowControl.get(flowKeyOf(key));
    if (!state)
      throw notFound("Nothing waits or runs under this flow control key, and it is neither paused nor pinned.");
    return keyView(queue, key, state);
  }),
  route("POST flowControl/:key/pause", async ({ queue, target }) => queue.flowControl.pause(flowKeyOf(target))),
  route("POST flowControl/:key/resume", (call) => change(call, { to: "resumed" })),
  route("POST flowControl/:key/pin", pin),
  route("POST flowControl/:key/unpin", unpin),
  route("POST flowControl/:key/resetRate", (call) => change(call, { to: "rateReset" })),
  // There is no global limit.
  route("GET globalParallelism", async ({ queue }) => {
    const { runningCount } = await queue.getStats();
    return { parallelismMax: HIGHEST_LIMIT, parallelismCount: runningCount };
  }),
];

async function change({ queue, target, drainSoon }: QStashCall, change: FlowChange): Promise<void> {
  await changeFlow(internalsOf(queue), flowKeyOf(target), change);
  drainSoon();
}

async function pin(call: QStashCall): Promise<void> {
  const { query } = call;
  const [concurrency, rate] = ["parallelism", "rate"].map((name) => {
    const text = query.get(name);
    return text === null ? undefined : readLimit(text, () => invalidRequest(`${name} must be a whole number from 1.`));
  });
  if (concurrency === undefined && rate === undefined) throw invalidRequest("Give parallelism or rate to pin.");
  const period = rate === undefined ? undefined : readPeriod(query.get("period") ?? undefined);
  const only = rate === undefined ? "concurrency" : concurrency === undefined ? "rate" : undefined;
  return change(call, { to: "set", limits: checkLimits({ concurrency, rate, period }), only });
}

async function unpin(call: QStashCall): Promise<void> {
  const [parallelism, rate] = ["parallelism", "rate"].map((name) => readFlag(call.query.get(name), name));
  const only = parallelism === rate ? undefined : parallelism ? "concurrency" : "rate";
  return change(call, { to: "unset", only });
}

async function keyView(queue: Queue, flowControlKey: string, state: FlowControlKey) {
  const { concurrency, rate, period, running, waiting, startedInWindow, windowEndsAt, paused, pinned } = state;
  const pins = pinned ? (await internalsOf(queue).store.findFlow(state.key, queue.clock()))?.pinned : undefined;
  const seconds = (period ?? 0) / 1_000;
  return {
    flowControlKey,
    waitListSize: waiting,
    ...{ parallelismMax: concurrency ?? 0, parallelismCount: running },
    ...{ rateMax: rate ?? 0, rateCount: startedInWindow, ratePeriod: seconds },
    ratePeriodStart: windowEndsAt ? Math.floor(windowEndsAt.getTime() / 1_000 - seconds) : 0,
    ...{ isPaused: paused, isPinnedParallelism: pins?.concurrency ?? false, isPinnedRate: pins?.rate ?? false },
  };
}
