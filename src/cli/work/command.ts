import type { DrainTotals } from "../../core/drain/report.ts";
import { sleep } from "../../core/shared/clock.ts";
import { isRedisUrl } from "../../dev/redis-address.ts";
import { openTarget } from "../connect.ts";
import { milliseconds, wholeNumber } from "../fields.ts";
import { counted } from "../output/text.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { UsageError } from "../usage-error.ts";
import { type WorkOptions, workContext } from "./context.ts";
import { Display, totalsText } from "./display.ts";
import { driveHandler } from "./drive-handler.ts";
import { logging, WORKERS, workInProcess } from "./in-process.ts";

const DESCRIPTION = `Runs a queue's jobs until Ctrl-C.

With --module, runs the jobs of your module in this process, directly on Redis. With a handler, makes the
handler drain repeatedly while there is a backlog, and then whenever something is due.

Prints a line for each attempt: its outcome, job, duration and error. A handler lists its attempts when its drain ends, if the token
also has the scope read or admin. Drains that others start are not listed. With --json, each line is a JSON document on standard
error. A queue that your module creates logs its own failures.

Press Ctrl-C once to release jobs that have not started and let running ones finish. Press it twice to quit immediately;
running jobs are then due again when their lease expires.`;

export function addWork(session: Session): void {
  addCommand(
    session.program,
    "queue:work",
    "run jobs here, or drive a deployed handler",
    DESCRIPTION,
    ["tidegate queue:work --workers 4 --module ./jobs.ts", "run your jobs here, against Redis"],
    ["tidegate queue:work --url https://example.com/queue", "drive a deployed handler"],
    ["tidegate queue:work --once --module ./jobs.ts", "for a cron of your own"],
  )
    .option(
      "--workers <count>",
      "how many jobs run at the same time (default: 4, or the handler's own setting)",
      wholeNumber(1, 10_000),
    )
    .option("--once", "stop as soon as nothing is due")
    .option("--for <duration>", "stop after this time: 30s, 10m, 1h", milliseconds)
    .option(
      "--check-every <duration>",
      "poll at least this often; each poll costs a command (default: 10s)",
      milliseconds,
    )
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
    const target = await openTarget(session, logging(context));
    if (target.local?.queues.every(({ jobNames }) => jobNames.length === 0))
      throw new UsageError(
        "There is no code for the jobs.",
        "Use --module with your jobs, or --url of a handler that has them.",
      );
    if (forMs !== undefined) void sleep(context.clock, forMs, ended.signal).then(() => over.abort());
    const how = target.local ? `working with ${counted(options.workers ?? WORKERS, "worker")}` : "driving the handler";
    session.note(`${target.label}: ${how}. Press Ctrl-C to stop.`);
    try {
      if (!target.local) return await driveHandler(target, context);
      return await workInProcess(target, target.local.queues, context);
    } finally {
      ended.abort();
      display.end();
    }
  });
}
