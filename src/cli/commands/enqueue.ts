import type { EnqueueOptions, RecurringOptions } from "../../core/enqueue/new-job.ts";
import type { EnqueueResult } from "../../core/job/enqueue.ts";
import { duration, json, time, whole } from "../option-values.ts";
import { printable } from "../output/text.ts";
import { fromNow, moment } from "../output/time.ts";
import { addCommand } from "../program.ts";
import { ruleOf } from "../recurrence.ts";
import type { Session } from "../session.ts";
import { openTarget } from "../target.ts";
import { UsageError } from "../usage-error.ts";

function addEnqueueCommand({ program }: Session) {
  return addCommand(
    program,
    "queue:enqueue",
    "enqueue a job",
    "Enqueues a job, which then runs at least once. With --cron or --every, creates a recurring job instead. " +
      "With a handler, --max-retries, --timeout, --cron and --every need a token with the scope admin.",
    [`tidegate queue:enqueue send_email '{"to":"ada@example.com"}'`, "run it now"],
    ["tidegate queue:enqueue report --delay 5m", "in five minutes, without a payload"],
    ["tidegate queue:enqueue import - < rows.json", "a payload from a file"],
    [`tidegate queue:enqueue report --cron "0 9 * * MON-FRI"`, "each working day at nine"],
  )
    .argument("<name>", "the name of the job")
    .argument("[json]", "its payload; - reads it from standard input")
    .option("--delay <duration>", "run after this time: 30s, 5m, 1h, 7d", duration)
    .option("--run-at <time>", "run at this time: ISO 8601 with a zone, such as 2030-01-31T09:00:00Z", time)
    .option("--expires <duration>", "drop it unless it has begun this long after its run time", duration)
    .option("--id <id>", "enqueue nothing if the queue has a job with this id")
    .option("--max-retries <count>", "how many attempts may follow the first", whole(0, 500))
    .option("--timeout <duration>", "how long one attempt may take", duration)
    .option("--dedupe-key <key>", "enqueue nothing if a job had this key ...")
    .option("--dedupe-ttl <duration>", "... within this time of the first", duration)
    .option("--dedupe-replace", "... but change that job instead, until its first attempt")
    .option("--cron <expression>", 'recur, as in "0 0 9 * * *" (seconds first)')
    .option("--every <duration>", "recur at each multiple of this interval since 1970, such as 90s", duration)
    .option("--time-zone <zone>", "time zone of --cron, such as Europe/Paris (default: UTC)");
}

type Options = ReturnType<ReturnType<typeof addEnqueueCommand>["opts"]>;

export function addEnqueue(session: Session): void {
  addEnqueueCommand(session).action(async (name, text, options) => {
    const enqueueOptions = optionsOf(options);
    const { kind, queue, jobNames } = await openTarget(session);
    const payload = await json(text, "The payload", session.io);
    const result = await queue.enqueue(name, payload, enqueueOptions);
    session.print(result, () =>
      resultText(result, options.cron !== undefined || options.every !== undefined, session.now),
    );
    // Not an error: the name may belong to a future deployment.
    if (kind === "redis" && jobNames === undefined)
      session.note(
        "Name and payload were not checked, since Redis does not know the jobs: use --module to check them.",
      );
  });
}

/** Converts to the queue's options. Refuses contradictions before anything is sent. */
function optionsOf(options: Options): EnqueueOptions | RecurringOptions {
  const { delay, runAt, dedupeKey, dedupeTtl, dedupeReplace, cron, every, timeZone, ...always } = options;
  const isOnce = delay !== undefined || runAt !== undefined || dedupeKey !== undefined;
  if (cron !== undefined || every !== undefined) {
    if (isOnce)
      throw new UsageError(
        "--cron and --every create a recurring job, so leave out --delay, --run-at and --dedupe-key.",
      );
    return { ...always, ...ruleOf({ cron, every, timeZone }) };
  }
  if (timeZone !== undefined) throw new UsageError("--time-zone needs --cron.");
  if (delay !== undefined && runAt !== undefined) throw new UsageError("Give either --delay or --run-at, not both.");
  if ((dedupeKey === undefined) !== (dedupeTtl === undefined))
    throw new UsageError("--dedupe-key and --dedupe-ttl need each other: give both.");
  if (dedupeReplace && dedupeKey === undefined) throw new UsageError("--dedupe-replace needs --dedupe-key.");
  const dedupe =
    dedupeKey !== undefined && dedupeTtl !== undefined
      ? { key: dedupeKey, ttl: dedupeTtl, ...(dedupeReplace && { replace: true }) }
      : undefined;
  return { ...always, delay, runAt, dedupe };
}

function resultText({ id, status, runAt }: EnqueueResult, isRecurring: boolean, now: number): string {
  const when = runAt ? `${fromNow(runAt, now)} (${moment(runAt)})` : "";
  if (isRecurring)
    return `Schedule ${printable(id)} ${status === "enqueued" ? "created" : "changed"}. It fires ${when}.`;
  if (status === "duplicate") return `Job ${printable(id)} already exists. Nothing was enqueued.`;
  const isLate = runAt !== null && runAt.getTime() <= now - 1_000;
  const made = status === "replaced" ? `Replaced what job ${printable(id)} does.` : `Enqueued job ${printable(id)}.`;
  return `${made} ${isLate ? `Due since ${moment(runAt)}` : `Runs ${when}`}.`;
}
