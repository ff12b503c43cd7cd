import { read } from "../../client/transport.ts";
import { addTotals, type DrainTotals, noTotals } from "../../core/drain/report.ts";
import { heldBackTexts, holdReason } from "../../core/flow/flow-key.ts";
import type { FlowControlPage } from "../../core/flow/flow-keys.ts";
import type { QueueStats } from "../../core/manage/stats.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { sleep } from "../../core/shared/clock.ts";
import { isRedisUrl } from "../../dev/redis-address.ts";
import { LEAST_PAUSE_MS, makeWorker } from "../../worker/worker.ts";
import { openTarget, type Target } from "../connect.ts";
import { milliseconds, wholeNumber } from "../fields.ts";
import { pauseLines } from "../list.ts";
import { count, counted, printable } from "../output/text.ts";
import { fromNow } from "../output/time.ts";
import { described, type Stub, UsageError } from "../program.ts";
import type { Session } from "../session.ts";
import { printing } from "./attempt-lines.ts";
import { type WorkContext, type WorkOptions, workContext } from "./context.ts";
import { Display, totalsText } from "./display.ts";
import { driveHandler } from "./drive-handler.ts";

const WORKERS = 4;

const DESCRIPTION = `Runs a queue's jobs until Ctrl-C.

With --module, runs the jobs of your module in this process, directly on Redis. With a handler, makes the
handler drain repeatedly while there is a backlog, and then whenever something is due.

Prints a line for each attempt: its outcome, job, duration and error. A handler lists its attempts when its drain ends, if the token
also has the scope read or admin. Drains that others start are not listed. With --json, each line is a JSON document on standard
error. A queue that your module creates logs its own failures.`;

export function defineWork(command: Stub, session: Session): void {
  described(
    command,
    DESCRIPTION,
    ["tidegate queue:work --workers 4 --module ./jobs.ts", "run your jobs here, against Redis"],
    ["tidegate queue:work --url https://example.com/queue", "drive a deployed handler"],
  )
    .option("--workers <count>", "how many jobs run at once (default: 4, or the handler's own)", wholeNumber(1, 10_000))
    .option("--once", "stop as soon as nothing is due, and say what waits")
    .option("--for <duration>", "stop after this time: 30s, 10m, 1h", milliseconds)
    .option("--check-every <duration>", "poll at least this often, a command each (default: 10s)", milliseconds)
    .action(async ({ once = false, workers, checkEvery = 10_000, for: forMs }) => {
      const { url, module } = session.globals;
      if (url !== undefined && !isRedisUrl(url) && module !== undefined)
        throw new UsageError("Give either --url, to drive a handler, or --module, to run its jobs here.");
      const totals = await work({ once, workers, checkEvery }, forMs, session);
      session.print(totals, () => `${totalsText(totals)}.`);
    });
}

async function work(options: WorkOptions, forMs: number | undefined, session: Session): Promise<DrainTotals> {
  const display = new Display(session);
  return session.io.untilInterrupted(async (interruption) => {
    const ended = new AbortController();
    const over = new AbortController();
    interruption.addEventListener("abort", () =>
      display.note("Stopping: running jobs finish, the rest are released. Press Ctrl-C again to quit immediately."),
    );
    const context = workContext(options, AbortSignal.any([interruption, over.signal]), display, session);
    // The hooks print failures too.
    const target = await openTarget(session, (given) => ({ ...given, hooks: printing(context), logger: null }));
    if (target.local?.queues.every(({ jobNames }) => jobNames.length === 0))
      throw new UsageError("There is no code for the jobs.", "Give --module, or --url of a handler that has them.");
    if (forMs !== undefined) void sleep(context.clock, forMs, ended.signal).then(() => over.abort());
    const how = target.local ? `working with ${counted(options.workers ?? WORKERS, "worker")}` : "driving the handler";
    session.note(`${target.label}: ${how}. Press Ctrl-C to stop.`);
    try {
      const { local } = target;
      const totals = await (local ? workInProcess(local.queues, context) : driveHandler(target, context));
      display.end();
      if (!interruption.aborted && !session.isJson) await noteHeld(target, totals.claimed === totals.released, session);
      return totals;
    } finally {
      ended.abort();
      display.end();
    }
  });
}

/** Says what waits, and what is paused or held back. */
async function noteHeld({ local, sendTo, command }: Target, isIdle: boolean, session: Session): Promise<void> {
  for (const queue of local?.queues.map(({ name }) => name) ?? [session.globals.queue]) {
    const place = queue === undefined ? "" : ` in ${printable(queue)}`;
    const get = <Answer>(field: string, path: string) => read<Answer>(field, sendTo(queue)("GET", path));
    const stats = await get<QueueStats>("paused", "/stats").catch(() => undefined);
    if (stats === undefined)
      return session.note("What waits could not be read. With a handler, that takes a token with the scope read.");
    const { pendingCount, readyCount, nextRunAt } = stats;
    const next = nextRunAt ? `the next due ${fromNow(nextRunAt, session.now)}` : "none due";
    const due = readyCount > 0 ? `${count(readyCount)} of them due` : next;
    const waiting = `${counted(pendingCount, "job")} waiting, ${due}`;
    session.note(`${isIdle ? "Nothing ran" : "Left"}${place}: ${waiting}.`);
    const { keys = [] } = readyCount > 0 ? await get<FlowControlPage>("keys", "/flow-control?holding=true") : {};
    for (const line of pauseLines({ ...stats, keys }, (words) => command(words, queue), session)) session.note(line);
    for (const key of keys.filter((each) => !each.paused)) {
      const reason = holdReason(key);
      if (reason) session.note(printable(`The key ${key.key} holds jobs back: ${heldBackTexts[reason]}.`));
    }
  }
}

/** Runs the jobs of the user's module, or of its queues, in this process. */
async function workInProcess(queues: readonly Queue[], context: WorkContext): Promise<DrainTotals> {
  const { once, display, signal } = context;
  // Fails on a wrong setup now, instead of retrying.
  for (const queue of queues) await queue.ping();
  display.show(noTotals);
  let totals = noTotals;
  for (let claimed = 1; claimed > 0; ) {
    const before = totals;
    const worker = makeWorker({
      ...{ queues, signal, workers: context.workers ?? WORKERS },
      checkMs: Math.max(context.checkEvery, LEAST_PAUSE_MS),
      isDone: once ? context.isDone : undefined,
      onProgress: () => display.show(addTotals(before, worker.totals)),
      onReport: ({ nextRunAt }) => once || display.show(worker.totals, nextRunAt),
      onError: context.reportFailure,
    });
    const pass = await worker.run();
    totals = addTotals(before, pass);
    // Jobs of one queue may have enqueued jobs in a queue that was already done.
    claimed = once && queues.length > 1 && !signal.aborted ? pass.claimed : 0;
  }
  return totals;
}
