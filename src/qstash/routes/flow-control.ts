import type { FlowControlKey } from "../../core/flow/flow-keys.ts";
import { checkLimits, HIGHEST_LIMIT } from "../../core/job/flow-control.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import type { FlowChange } from "../../core/store/flow.ts";
import type { QStashCall } from "../api/call.ts";
import { json } from "../api/responses.ts";
import { flowKeyOf, messageKeyOf, readLimit, readPeriod } from "../messages/flow-control.ts";

/** `GET /v2/flowControl`: the keys in use. */
export async function listKeys({ host, query }: QStashCall): Promise<Response> {
  const search = query.get("search") ?? "";
  const views = [];
  for await (const { keys } of pagesOf((cursor) => host.queue.flowControl.list({ cursor, limit: 1_000 }))) {
    for (const state of keys) {
      const key = messageKeyOf(state.key);
      if (key?.includes(search)) views.push(await keyView(host.queue, key, state));
    }
  }
  return json(views);
}

/** `GET /v2/flowControl/{key}` */
export async function getKey({ host, parameters }: QStashCall): Promise<Response> {
  const key = parameters["key"] ?? "";
  const state = await host.queue.flowControl.get(flowKeyOf(key));
  if (!state) throw notFound("Nothing waits or runs under this flow control key, and it is neither paused nor pinned.");
  return json(await keyView(host.queue, key, state));
}

/** `POST /v2/flowControl/{key}/pause` */
export async function pauseKey({ host, parameters }: QStashCall): Promise<Response> {
  await host.queue.flowControl.pause(flowKeyOf(parameters["key"] ?? ""));
  return json({});
}

/** `POST /v2/flowControl/{key}/resume` */
export async function resumeKey({ host, parameters }: QStashCall): Promise<Response> {
  await host.queue.flowControl.resume(flowKeyOf(parameters["key"] ?? ""));
  host.drainSoon();
  return json({});
}

async function changeKey({ host, parameters }: QStashCall, change: FlowChange): Promise<Response> {
  await internalsOf(host.queue).changeFlow(flowKeyOf(parameters["key"] ?? ""), change);
  host.drainSoon();
  return json({});
}

/** `POST /v2/flowControl/{key}/pin`: pins the given limits, and leaves the others as they are. */
export async function pinKey(call: QStashCall): Promise<Response> {
  const { query } = call;
  const [concurrency, rate] = ["parallelism", "rate"].map((name) => {
    const text = query.get(name);
    return text === null ? undefined : readLimit(text, () => invalidRequest(`${name} must be a whole number from 1.`));
  });
  if (concurrency === undefined && rate === undefined) throw invalidRequest("Give parallelism or rate to pin.");
  const period = rate === undefined ? undefined : readPeriod(query.get("period") ?? undefined);
  const only = rate === undefined ? "concurrency" : concurrency === undefined ? "rate" : undefined;
  return changeKey(call, { to: "set", limits: checkLimits({ concurrency, rate, period }), only });
}

/** `POST /v2/flowControl/{key}/unpin`: unpins the named limits, or both if none is named. */
export async function unpinKey(call: QStashCall): Promise<Response> {
  const [parallelism, rate] = ["parallelism", "rate"].map((name) => readFlag(call.query, name));
  const only = parallelism === rate ? undefined : parallelism ? "concurrency" : "rate";
  return changeKey(call, { to: "unset", only });
}

function readFlag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name) ?? "false";
  if (text !== "true" && text !== "false") throw invalidRequest(`${name} must be true or false.`);
  return text === "true";
}

/** `POST /v2/flowControl/{key}/resetRate` */
export function resetRate(call: QStashCall): Promise<Response> {
  return changeKey(call, { to: "rateReset" });
}

/** `GET /v2/globalParallelism`: there is no global limit. */
export async function getGlobalParallelism({ host }: QStashCall): Promise<Response> {
  const { runningCount } = await host.queue.getStats();
  return json({ parallelismMax: HIGHEST_LIMIT, parallelismCount: runningCount });
}

/** A key as the API shows it. 0 means no limit. */
async function keyView(queue: Queue, flowControlKey: string, state: FlowControlKey) {
  const { concurrency, rate, period, running, waiting, startedInWindow, windowEndsAt, paused, pinned } = state;
  const pins = pinned ? (await internalsOf(queue).findFlow(state.key))?.pinned : undefined;
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
