import { AttemptCollector } from "../../core/drain/attempts.ts";
import type { DrainOptions } from "../../core/drain/options.ts";
import { drainWithin } from "../../core/queue/queues.ts";
import type { ValueOf } from "../../core/shared/schema.ts";
import { requireScope } from "../auth.ts";
import { drainBody, drainQuery } from "../contract/requests.ts";
import { draining, drainReport, healthy, paused, stats } from "../contract/responses.ts";
import { afterResponse } from "../eager.ts";
import { checkHealth } from "../health.ts";
import { type Call, reply, respondingRoute, route } from "./route.ts";

type DrainQuery = ValueOf<typeof drainQuery>;
/** The options of a drain, and whether its answer lists the attempts. */
type DrainRequest = DrainOptions & Pick<DrainQuery, "attempts">;

// A hop of a chain is answered before its drain begins.
const drainAnswers = { 200: drainReport, 202: draining };

export const queueRoutes = [
  respondingRoute({
    method: "POST",
    path: "/drain",
    operation: "drain",
    notes: "Runs due jobs, within bounds.",
    scope: "drain",
    query: drainQuery,
    body: drainBody,
    answers: drainAnswers,
    answer: (call) => drain(call, { ...fromQuery(call.query), ...call.body }),
  }),
  respondingRoute({
    method: "GET",
    path: "/drain",
    operation: "drainByGet",
    notes: "For crons that send GET.",
    scope: "drain",
    query: drainQuery,
    mutates: true,
    answers: drainAnswers,
    answer: (call) => drain(call, fromQuery(call.query)),
  }),
  route({
    method: "POST",
    path: "/pause",
    operation: "pause",
    notes: "No job starts and no schedule fires until you resume the queue.",
    scope: "admin",
    returns: paused,
    answer: ({ queue }) => queue.pause().then(() => ({ paused: true })),
  }),
  route({
    method: "POST",
    path: "/resume",
    operation: "resume",
    scope: "admin",
    returns: paused,
    answer: ({ queue }) => queue.resume().then(() => ({ paused: false })),
  }),
  route({
    method: "GET",
    path: "/stats",
    operation: "getStats",
    scope: "read",
    returns: stats,
    // The usage is what this isolate has counted.
    answer: async ({ queue }) => ({ ...(await queue.getStats()), spending: queue.spending }),
  }),
  route({
    method: "GET",
    path: "/health",
    operation: "getHealth",
    notes: "Whether the store answers.",
    scope: "anyone",
    returns: healthy,
    async answer({ queue, caller }) {
      await checkHealth(queue, caller.token === "known");
      return { status: "ok" as const };
    },
  }),
];

async function drain(call: Call, { attempts, ...options }: DrainRequest): Promise<Response> {
  // A drain token learns counts alone, since a cron or another service holds it.
  if (attempts) requireScope(call.caller, ["read", "admin"], "attempts");
  // A hop answers at once, so that the one before it does not wait for its drain.
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
  const budget = {
    ...(roundTrips !== undefined && { roundTrips }),
    ...(commands !== undefined && { commands }),
  };
  return { ...options, budget };
}
