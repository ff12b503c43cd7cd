import type { DrainOptions } from "../../core/drain-options.ts";
import { drainQueues } from "../../core/drain-queues.ts";
import type { Queue } from "../../core/queue.ts";
import { backgroundBounds } from "../eager.ts";
import { type Call, reply, route } from "../route.ts";
import type { ValueOf } from "../schema.ts";
import { drainBody, drainQuery } from "../wire.ts";

type DrainQuery = ValueOf<typeof drainQuery>;

export const queueRoutes = [
  route({
    method: "POST",
    path: "/drain",
    scope: "drain",
    query: drainQuery,
    body: drainBody,
    answer: (call) => drain(call, { ...fromQuery(call.query), ...call.body }),
  }),
  route({
    method: "GET",
    path: "/drain",
    scope: "drain",
    query: drainQuery,
    acts: true,
    answer: (call) => drain(call, fromQuery(call.query)),
  }),
  route({
    method: "POST",
    path: "/pause",
    scope: "admin",
    async answer({ queue }) {
      await queue.pause();
      return reply({ paused: true });
    },
  }),
  route({
    method: "POST",
    path: "/resume",
    scope: "admin",
    async answer({ queue }) {
      await queue.resume();
      return reply({ paused: false });
    },
  }),
  route({
    method: "GET",
    path: "/stats",
    scope: "admin",
    // What it has spent is told as this isolate has counted it.
    answer: async ({ queue }) => reply({ ...(await queue.getStats()), spending: queue.spending }),
  }),
  route({ method: "GET", path: "/health", scope: "anyone", answer: health }),
];

async function drain(call: Call, options: DrainOptions): Promise<Response> {
  const bounds = { ...call.drain, ...options, budget: { ...call.drain.budget, ...options.budget } };
  // A link of a chain answers at once: the one before it shall not have to wait for it.
  if (typeof call.origin === "object" && call.inBackground) {
    call.inBackground(drainAndRelay(call, backgroundBounds(bounds)));
    return reply({ status: "draining" }, 202);
  }
  const report = await drainQueues(call.queues, bounds);
  const relayed = call.relay(report);
  if (call.inBackground) call.inBackground(relayed);
  else await relayed;
  return reply(report);
}

async function drainAndRelay(call: Call, bounds: DrainOptions): Promise<void> {
  await call.relay(await drainQueues(call.queues, bounds));
}

function fromQuery(query: DrainQuery): DrainOptions {
  const { "budget.roundTrips": roundTrips, "budget.commands": commands, ...options } = query;
  const budget = {
    ...(roundTrips !== undefined && { roundTrips }),
    ...(commands !== undefined && { commands }),
  };
  return { ...options, budget };
}

/** For how long a good answer is remembered for those who show no token. */
const REMEMBER_MS = 5_000;
const answeredAt = new WeakMap<Queue, number>();

/**
 * Says whether the store answers, to anyone: monitors often cannot send a token. Each look costs the owner a command, so
 * without a token nobody can cause more than one in five seconds as long as all is well.
 */
async function health({ queue, caller }: Call): Promise<Response> {
  const now = queue.clock();
  // The distance, since a clock may be set back.
  const age = Math.abs(now - (answeredAt.get(queue) ?? Number.NEGATIVE_INFINITY));
  if (caller.token !== "known" && age < REMEMBER_MS) return reply({ status: "ok" });
  await queue.ping();
  answeredAt.set(queue, now);
  return reply({ status: "ok" });
}
