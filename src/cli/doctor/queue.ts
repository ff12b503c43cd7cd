import { part, query, read, type Send } from "../../client/transport.ts";
import type { FlowControlKey } from "../../core/flow/flow-key.ts";
import type { FlowControlPage } from "../../core/flow/flow-keys.ts";
import type { QueueHistory } from "../../core/manage/figures.ts";
import type { JobInfo } from "../../core/manage/job-info.ts";
import type { JobPage } from "../../core/manage/list.ts";
import { isGrowing, paceText } from "../../core/manage/pace.ts";
import type { QueueStats } from "../../core/manage/stats.ts";
import type { ScheduleRow } from "../../core/queue/schedule-runs.ts";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import type { Target } from "../connect.ts";
import { pausesOf } from "../list.ts";
import { perMinute } from "../output/cells.ts";
import { count, counted, printable, quoted } from "../output/text.ts";
import { brief, moment, span } from "../output/time.ts";
import { type Finding, findings } from "./finding.ts";

const LATE_MS = { warn: 5 * 60_000, fail: 60 * 60_000 } as const;

const store = findings("queue");
const paused = findings("paused");
const backlog = findings("backlog");
const wakeUps = findings("wake-ups");
const dead = findings("dead-letter queue");
const names = findings("job names");
const parents = findings("parents");
const keys = findings("flow control");
const recurring = findings("schedules");
const occurrences = findings("last jobs of schedules");

type Get = <Answer>(field: string, path: string, options?: object) => Promise<Answer>;

export async function checkQueue(target: Target, send: Send, now: number): Promise<Finding[]> {
  const { jobNames, command } = target;
  const get: Get = (field, path, options) => read(field, send("GET", path + query(options)));
  try {
    const flow = await get<FlowControlPage>("keys", "/flow-control", { limit: 100 });
    const stats = await get<QueueStats>("paused", "/stats");
    const pauses = pausesOf({ ...stats, ...flow }, now);
    const { schedules } = await get<{ schedules: readonly ScheduleRow[] }>("schedules", "/schedules", { runs: true });
    const history = await get<QueueHistory>("hours", "/history", { hours: 24 });
    const waiting = await Promise.all(
      ["ready", "scheduled", "dead"].map((state) => get<JobPage>("jobs", "/jobs", { state, limit: 1_000 })),
    );
    const found = waiting.flatMap(({ jobs }) => jobs);
    return [
      ...pauses.map(({ text, resume }) => paused.warn(text, `Resume with: ${command(resume)}`)),
      ...(pauses[0] ? [] : [paused.ok("Nothing is paused.")]),
      backlogFinding(stats, schedules, target, now),
      wakeFinding(history),
      deadFinding(stats, command),
      nameFinding(found, jobNames),
      ...slotFindings(flow.keys, stats, waiting[0]?.jobs ?? [], command),
      scheduleFinding(schedules, stats.paused ? 0 : now, target),
      ...(await parentFindings(waiting[1]?.jobs ?? [], send, command)),
      ...(schedules.length > 0 ? [occurrenceFinding(schedules, command)] : []),
    ];
  } catch (error) {
    if (!isTidegateError(error)) throw error;
    return [store.fail("The queue cannot be read.", error.message)];
  }
}

const MORE =
  "Give drains more concurrency or time, or start several at once with fanOut. If it is one job type, look at why its jobs are slow or many, or pause it.";

function backlogFinding(stats: QueueStats, schedules: readonly ScheduleInfo[], target: Target, now: number): Finding {
  const { oldestReadyAgeMs, paused, readyCount, pace } = stats;
  const overdueMs = schedules.flatMap(({ nextRunAt }) => (nextRunAt ? now - nextRunAt.getTime() : []));
  const lateMs = Math.max(0, oldestReadyAgeMs ?? 0, ...overdueMs);
  if (paused) return backlog.unknown("A paused queue always falls behind.");
  if (lateMs < LATE_MS.warn) {
    if (readyCount > 0 && oldestReadyAgeMs === null)
      return backlog.ok(`${counted(readyCount, "job")} ready, all held back: see ${target.command("queue:flow")}`);
    if (isGrowing(stats)) return backlog.warn(`The queue ${paceText(stats, perMinute, brief)}.`, MORE);
    const waits = `${counted(readyCount, "job")} ready, the oldest due for ${span(oldestReadyAgeMs ?? 0)}.`;
    return backlog.ok(readyCount > 0 ? waits : "No due jobs are waiting.");
  }
  // Directly on Redis, it needs a module with the jobs.
  const work = target.local?.database && !target.jobNames ? "queue:work --once --module FILE" : "queue:work --once";
  const drains =
    pace.departures > 0 ? `Drains run: ${paceText(stats, perMinute, brief)}` : "No job has left for five minutes";
  const message = `A job or schedule has been due for ${span(lateMs)}. ${drains}.`;
  const wake = `Check that a cron trigger, or what wakes the queue, drains it. Try: ${target.command(work)}`;
  const advice = pace.departures > 0 ? MORE : wake;
  return lateMs < LATE_MS.fail ? backlog.warn(message, advice) : backlog.fail(message, advice);
}

/** Whether drains come when something is due: by how late the jobs of the latest hour with one began. */
function wakeFinding({ hours }: QueueHistory): Finding {
  const { waiting, at } = hours.findLast((hour) => hour.waiting !== null) ?? {};
  if (!waiting || !at)
    return wakeUps.unknown(
      "No start of a job was timed in the last 24 hours.",
      "To see whether something wakes the queue, enqueue a job with a delay, and check again after it.",
    );
  const message = `In the hour from ${moment(at)}, 95 % of the jobs began within ${span(Math.max(1_000, waiting.p95Ms))} of their time.`;
  if (waiting.p95Ms <= LATE_MS.warn) return wakeUps.ok(message);
  return wakeUps.warn(
    message,
    "If the queue has a wake, its calls do not arrive: look for a wake-up that has failed in the log of the app and of what wakes it. " +
      "Jobs that wait for a slot or for their flow control key are late too.",
  );
}

function deadFinding({ deadLetterCount }: QueueStats, command: Target["command"]): Finding {
  if (deadLetterCount === 0) return dead.ok("There are no dead jobs.");
  return dead.warn(`${counted(deadLetterCount, "job")} died.`, `See why: ${command("queue:failures")}`);
}

/** Without a module, a job's last error shows that a deployment did not know it. */
function nameFinding(jobs: readonly JobInfo[], known: readonly string[] | undefined): Finding {
  const strange = jobs.filter((job) => (known ? job.state !== "dead" && !known.includes(job.name) : isUnknown(job)));
  const advice = "Deploy a handler that has these jobs, or remove them. Until then they fail, are retried, and die.";
  if (strange.length > 0) {
    const what = known ? "Not in the module" : "Unknown to a deployment that claimed them";
    return names.warn(`${what}: ${counted(strange.length, "job")} (${list(strange.map(({ name }) => name))}).`, advice);
  }
  if (known) return names.ok("Every waiting job is in the module.");
  return names.unknown("No deployment has claimed a job it does not know.", "To compare with your code, use --module.");
}

const isUnknown = ({ name, errors }: JobInfo) => errors.at(-1)?.message.startsWith(`No job is named "${name}"`);

/** Slots that no lease can hold: a script that stopped half-way left them. A ready job may have an expired lease. */
function slotFindings(
  all: readonly FlowControlKey[],
  { runningCount }: QueueStats,
  ready: readonly JobInfo[],
  command: Target["command"],
): readonly Finding[] {
  const taken = all.filter(({ running }) => running > 0);
  const slots = taken.reduce((sum, { running }) => sum + running, 0);
  const held = runningCount + ready.filter(({ attempts }) => attempts > 0).length;
  if (slots <= held) return [];
  return [
    keys.warn(
      `${counted(slots, "slot")} of flow control keys are taken, and ${counted(held, "job")} can hold one: ${list(taken.map(({ key }) => key))}.`,
      `Unless jobs of these keys have just ended, resume each of them, which counts its slots again: ${command("queue:flow resume KEY")}`,
    ),
  ];
}

/** The most parents to look at: a list does not say which of their children are dead. */
const MOST_PARENTS = 10;

async function parentFindings(jobs: readonly JobInfo[], send: Send, command: Target["command"]) {
  const waiting = jobs.filter(({ runAt }) => runAt === null).slice(0, MOST_PARENTS);
  const found = waiting.map(({ id }) => read<JobInfo | null>("id", send("GET", `/jobs${part(id)}`), true));
  const [first, ...more] = (await Promise.all(found)).filter((job) => job?.children?.pending === 0);
  if (!first) return [];
  return [
    parents.warn(
      `${counted(1 + more.length, "parent")} can only wait, since children are dead: ${list([first, ...more].flatMap((job) => job?.id ?? []))}.`,
      `Retry or remove these children. See: ${command(`queue:jobs children ${quoted(first.id)} --state dead`)}`,
    ),
  ];
}

/** @param now 0 in a paused queue, where nothing is late. */
function scheduleFinding(
  schedules: readonly ScheduleInfo[],
  now: number,
  { jobNames: known, command }: Target,
): Finding {
  const jobless = known ? schedules.filter(({ name }) => !known.includes(name)) : [];
  if (jobless.length > 0)
    return recurring.fail(
      `The module has no job for these schedules: ${list(jobless.map(({ key }) => key))}.`,
      `Add the job to your code, or remove the schedule: ${command("queue:schedules remove KEY")}`,
    );
  // A paused schedule has no next run. It fires again after it is resumed.
  const ended = schedules.filter(({ nextRunAt, paused }) => nextRunAt === null && !paused);
  if (ended.length > 0)
    return recurring.warn(`These never fire again: ${list(ended.map(({ key }) => key))}.`, "Change or remove them.");
  const late = schedules.filter(({ nextRunAt }) => nextRunAt && now - nextRunAt.getTime() >= LATE_MS.warn);
  if (late.length > 0)
    return recurring.warn(
      `These were to fire more than ${span(LATE_MS.warn)} ago: ${list(late.map(({ key }) => key))}.`,
      "They fire when a drain gets to them, behind the jobs that are due before: see backlog.",
    );
  if (schedules.length === 0) return recurring.ok("There are no schedules.");
  const held = schedules.filter(({ paused }) => paused).length;
  const firing = `${counted(schedules.length - held, "schedule")} will fire`;
  const still = held > 0 ? `, ${count(held)} ${held === 1 ? "is" : "are"} paused` : "";
  return recurring.ok(`${firing}${still}${known ? ", each for a job of the module" : ""}.`);
}

/** A schedule that fires looks healthy, even if each of its jobs dies. */
function occurrenceFinding(schedules: readonly ScheduleRow[], command: Target["command"]): Finding {
  const failing = schedules.flatMap((each) => (each.failing ? each.key : []));
  if (!failing[0]) return occurrences.ok("No schedule's last job failed.");
  const message = `The last job of ${counted(failing.length, "schedule")} failed: ${list(failing)}.`;
  return occurrences.warn(message, `See why: ${command(`queue:schedules ${quoted(failing[0])}`)}`);
}

function list(all: readonly string[]): string {
  const different = [...new Set(all)];
  const shown = different.slice(0, 5).map(printable).join(", ");
  return different.length > 5 ? `${shown} and ${count(different.length - 5)} more` : shown;
}
