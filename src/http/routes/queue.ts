import type { DrainOptions } from "../../core/drain/options.ts";
import { AttemptCollector } from "../../core/drain/report.ts";
import { pauseJobs } from "../../core/manage/paused-jobs.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import { drainWithin } from "../../core/queue/queues.ts";
import type { ValueOf } from "../../core/shared/schema.ts";
import { version } from "../../core/shared/version.ts";
import { requireScope } from "../auth.ts";
import * as requests from "../contract/requests.ts";
import * as shapes from "../contract/shapes.generated.ts";
import { afterResponse } from "../deadline.ts";
import { drainSoon } from "../eager.ts";
import { checkHealth } from "../health.ts";
import { type Call, type Routes, reply, respondingRoute, route } from "./route.ts";

type DrainQuery = ValueOf<typeof requests.drainQuery>;
type DrainRequest = DrainOptions & Pick<DrainQuery, "attempts">;

// 202 is for a hop of a chain, whose drain begins after the response.
const drainResponses = { 200: shapes.drainReport, 202: shapes.draining };

export const queueRoutes = {
  sendSignal: route({
    notes:
      "Wakes the jobs that wait for this event in `job.waitFor`. If none does, the signal is kept for the first that will.",
    body: requests.signalBody,
    returns: shapes.signalResult,
    refusals: ["conflict", "payload_too_large"],
    async run(call) {
      const { data = null, ...options } = call.body;
      const result = await call.queue.signal(call.target, data, options);
      if (result.woken > 0) drainSoon(call);
      return result;
    },
  }),
  drain: respondingRoute({
    notes: "Runs due jobs, within bounds.",
    query: requests.drainQuery,
    body: requests.drainBody,
    responses: drainResponses,
    respond: (call) => drain(call, { ...fromQuery(call.query), ...call.body }),
  }),
  drainByGet: respondingRoute({
    notes: "For crons that send GET.",
    query: requests.drainQuery,
    mutates: true,
    responses: drainResponses,
    respond: (call) => drain(call, fromQuery(call.query)),
  }),
  listChanges: route({
    notes:
      "Who changed what: the latest 1,000 changes, newest first. `operation` is named as here, and `by` as the token. A signal is listed only if its token has a name.",
    query: requests.changesQuery,
    returns: shapes.changePage,
    run: ({ queue, query }) => queue.listChanges(query),
  }),
  pause: route({
    notes: "No job starts and no schedule fires until you resume the queue. Running jobs go on, and you can enqueue.",
    returns: shapes.paused,
    body: requests.pauseBody,
    run: ({ queue }) => queue.pause().then(() => ({ paused: true })),
  }),
  resume: route({
    returns: shapes.paused,
    run: ({ queue }) => queue.resume().then((result) => ({ paused: false, ...result })),
  }),
  pauseJobs: route({
    notes: "Drains release the jobs of this type, without using an attempt, until you resume it.",
    body: requests.pauseBody,
    returns: shapes.pausedJobType,
    refusals: ["conflict"],
    run: ({ queue, target, body, caller }) =>
      pauseJobs(internalsOf(queue), target, { ...body, by: caller.name ?? null }),
  }),
  resumeJobs: route({
    notes: "Jobs that drains have released get their run times back.",
    returns: shapes.resumed,
    async run(call) {
      const result = await call.queue.resumeJobs(call.target);
      drainSoon(call);
      return result;
    },
  }),
  rekey: route({
    notes: "Encrypts a page of what is stored with the current key. Continue while there is a cursor.",
    body: requests.rekeyBody,
    returns: shapes.rekeyed,
    run: ({ queue, body }) => queue.rekey(body),
  }),
  getStats: route({
    returns: shapes.stats,
    run: ({ queue }) => queue.getStats(),
  }),
  getHealth: route({
    notes: "Whether the store responds. With a token, also the handler's version.",
    returns: shapes.healthy,
    async run({ queue, caller }) {
      await checkHealth(queue, caller.token === "known");
      const isTrusted = caller.token === "known" || caller.token === "needless";
      return { status: "ok" as const, ...(isTrusted && { version }) };
    },
  }),
} satisfies Routes;

async function drain(call: Call, { attempts, ...options }: DrainRequest): Promise<Response> {
  // A cron or another service holds a drain token, so it learns counts alone.
  if (attempts) requireScope(call.caller, ["read", "admin"], "attempts");
  // The hop before this one must not wait for this drain.
  if (typeof call.origin === "object" && call.inBackground) {
    call.inBackground(drainAndFanOut(call, options));
    return reply({ status: "draining" }, 202);
  }
  const collector = attempts ? new AttemptCollector() : undefined;
  const onSettled = collector && { onSettled: collector.add };
  const report = await drainWithin(call.queues, { ...call.bounds(options)(), ...onSettled });
  const started = call.fanOut(report);
  if (call.inBackground) call.inBackground(started);
  else await started;
  return reply({ ...report, ...collector?.list });
}

async function drainAndFanOut(call: Call, options: DrainOptions): Promise<void> {
  const bounded = afterResponse(call.queue.clock);
  await call.fanOut(await drainWithin(call.queues, bounded(call.bounds(options)())));
}

function fromQuery(query: DrainQuery): DrainRequest {
  const { "budget.roundTrips": roundTrips, "budget.commands": commands, ...options } = query;
  return { ...options, budget: { roundTrips, commands } };
}
