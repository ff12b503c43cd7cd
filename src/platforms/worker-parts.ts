import { type DrainOptions, drainLimits, type InternalDrainOptions, withDefaults } from "../core/drain/options.ts";
import type { DrainReport } from "../core/drain/report.ts";
import { internalsOf } from "../core/queue/internals.ts";
import type { Queue } from "../core/queue/queue.ts";
import { drainWithin } from "../core/queue/queues.ts";
import { invalidRequest, quote } from "../core/shared/errors.ts";
import { knownOptions } from "../core/shared/validate.ts";
import { startFanOut } from "../http/backlog-fan-out.ts";
import { createHandler, type HandlerOptions } from "../http/handler.ts";
import { handlerOptions, readOptions } from "../http/options.ts";

/** The options of `createHandler`, and the bounds of the cron trigger's drain. */
export interface CloudflareOptions extends HandlerOptions {
  /**
   * The bounds of the drain that a cron trigger or the alarm of a wake object starts, such as `cloudflareFree` or
   * `cloudflarePaid`. Missing ones, also within the budget, come from `drain`.
   *
   * With `linger: "60s"` and a trigger every minute, schedules fire to the second. Waiting costs no CPU time, and what
   * becomes due costs a round trip or two, of which the free plan allows an invocation 50. A drain that an alarm
   * starts does not linger, because the alarm is set for the next time that something is due.
   */
  readonly scheduled?: DrainOptions | undefined;
}

export type WorkerParts = ReturnType<typeof workerParts>;

/** What the events of a Worker need. @param taker the function that got the options, for errors. */
export function workerParts(given: CloudflareOptions, taker: string) {
  if (given instanceof Promise)
    throw invalidRequest(
      `The function passed to ${taker} returned a promise. Return the options directly, without async.`,
    );
  const { scheduled = {}, ...options } = knownOptions(given, [...handlerOptions, "scheduled"], taker);
  const settings = readOptions(options);
  drainLimits(scheduled);
  let handler: ReturnType<typeof createHandler> | undefined;
  const queues = [...settings.queues.values()];
  if (globalThis.navigator?.userAgent === "Cloudflare-Workers") for (const queue of queues) checkConnection(queue);
  const tick = async (over: DrainOptions = {}, inner: InternalDrainOptions = {}): Promise<DrainReport> => {
    const chosen = { ...withDefaults(scheduled, settings.drain), ...over };
    const report = await drainWithin(queues, drainLimits(chosen, inner));
    await startFanOut(settings.fanOut, report, "cron", settings.first.clock, settings.onError);
    warnOf(report);
    return report;
  };
  return {
    tick,
    // Created only for requests: a cron trigger in a new isolate has little time.
    get handler() {
      handler ??= createHandler(options);
      return handler;
    },
  };
}

/** Refuses a queue that would work only in the first event of an isolate. */
function checkConnection(queue: Queue): void {
  if (!internalsOf(queue).store.keepsConnection) return;
  throw invalidRequest(
    `The queue ${quote(queue.name)} is on redisStore, whose connection Workers do not share between events. Use upstashStore, or ` +
      "connect in each event, as docs/guide/production.md shows.",
  );
}

/** The report contains counts and times, and no payload. */
function warnOf(report: DrainReport): void {
  if (report.stoppedBy !== "aborted" && report.lost === 0) return;
  console.error(
    `tidegate: a cron trigger or an alarm could not settle every job that it ran. ${JSON.stringify(report)}`,
  );
}
