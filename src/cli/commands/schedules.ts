import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import { notFound } from "../../core/shared/errors.ts";
import { upcomingOf } from "../../http/dashboard/all-queues.ts";
import { readUpcoming, type Upcoming, type UpcomingEvent } from "../../http/dashboard/read-schedules.ts";
import { addAllQueues, noteMore, readLists } from "../all-queues.ts";
import { duration, json, whole } from "../option-values.ts";
import type { ListView } from "../output/jobs.ts";
import { type PlacedSchedule, scheduleDetails, schedulesTable } from "../output/schedules.ts";
import { type Column, queueColumnOf, table } from "../output/table.ts";
import { count, printable } from "../output/text.ts";
import { fromNow, moment } from "../output/time.ts";
import { addCommand, refuseUnknownSubcommand, subcommandsOf } from "../program.ts";
import { ruleOf } from "../recurrence.ts";
import { readScheduleRow, readScheduleRows } from "../schedule-runs.ts";
import type { Session } from "../session.ts";
import { openTarget, refuseUnknownQueue, type Target } from "../target.ts";
import { UsageError } from "../usage-error.ts";

/** Lists of schedules have no pages. */
const EVERY = { all: true, limit: 0 } as const;

export function addSchedules(session: Session): void {
  const group = addCommand(
    session.program,
    "queue:schedules",
    "list, set, pause, run and remove recurring jobs",
    "Manages recurring jobs, both from the code of a deployment and from calls at run time.",
    ["tidegate queue:schedules", "list them, those that fail first"],
    ["tidegate queue:schedules nightly", "one, with why its last jobs failed"],
    ["tidegate queue:schedules --upcoming", "what runs in the next hour, jobs and retries too"],
    ["tidegate queue:schedules preview daily_report --count 10", "the next ten occurrences"],
    [`tidegate queue:schedules set nightly --job clean_up --cron "0 0 3 * * *"`, "create or change one"],
    ["tidegate queue:schedules set sync --job sync_feed --every 90s", "one that fires at an interval"],
    ["tidegate queue:schedules pause nightly", "pause it until it is resumed"],
    ["tidegate queue:schedules run nightly", "enqueue its job now"],
    ["tidegate queue:schedules remove nightly", "remove it, after confirmation"],
  );
  addList(group, session);
  addPreview(group, session);
  addSet(group, session);
  addPause(group, session);
  addRun(group, session);
  addRemove(group, session);
}

function addList(group: CommandUnknownOpts, session: Session): void {
  const command = addCommand(
    group,
    "list",
    "list them, with how their last jobs ended, or show one",
    `Lists recurring jobs, those that fail first, then sorted by key. Each has its next occurrence and how its last jobs ended, the
latest on the right: ✓ completed, ✗ dead, ! failed and retried, · not ended. With a KEY, shows that one.

--upcoming shows what runs in the next hour instead: the next 250 scheduled jobs and all occurrences, of which it names the first 50.

It reads the jobs of the last five occurrences, of the first 200 schedules. Straight on Redis this takes up to 9 commands more for each
queue. Through a handler it takes a request for each job, and at most 200: the more schedules there are, the fewer jobs of each. With
--all-queues, the queues share these 200 equally.`,
    ["tidegate queue:schedules nightly", "one: when it fires, and why its last jobs failed"],
    ["tidegate queue:schedules --upcoming --all-queues", "what runs in the next hour, in every queue"],
    ["tidegate queue:schedules --all-queues", "those of every queue, and which fail"],
    ["tidegate queue:schedules list --json", "all of them, for a script"],
  );
  addAllQueues(command)
    .argument("[key]", "show this schedule")
    .option("--upcoming", "what runs in the next hour: jobs, retries and occurrences, by time")
    .allowExcessArguments()
    .action(async (key, { upcoming, allQueues }, command) => {
      refuseUnknownSubcommand(command);
      if (key !== undefined && (upcoming || allQueues))
        throw new UsageError("A KEY selects one schedule, so leave out --upcoming and --all-queues.");
      const target = await openTarget(session);
      if (upcoming) return printUpcoming(target, allQueues, session);
      if (key === undefined) return printSchedules(target, allQueues, session);
      const one = await readScheduleRow(target, key);
      if (!one) throw notFound(`No schedule has the key "${printable(key)}". ${subcommandsOf(group)}`);
      session.print(one, () => scheduleDetails(one, session));
    });
}

async function printSchedules(target: Target, allQueues: true | undefined, session: Session): Promise<void> {
  let unknownAfter: number | undefined;
  const read = async (each: Target, name: string | undefined, queues: number) => {
    const { schedules, withRuns } = await readScheduleRows(each, queues);
    if (schedules.length > withRuns) unknownAfter = withRuns;
    return { items: schedules.map((row) => ({ ...row, ...(name !== undefined && { queue: name }) })), cursor: null };
  };
  const found = await readLists(target, { allQueues, ...EVERY }, session, read, (all) => all);
  const { items: schedules, isMerged } = found;
  session.print({ schedules }, () => listText(schedules, session));
  if (unknownAfter !== undefined) {
    const which = `${count(unknownAfter)} schedules${isMerged ? " of each queue" : ""}`;
    session.note(`Only of the first ${which} it is known how their last jobs ended.`);
  }
  await noteMore(found, target, session);
}

async function printUpcoming(target: Target, allQueues: true | undefined, session: Session): Promise<void> {
  const read = async ({ queue }: Target, name: string | undefined) => {
    const upcoming = await readUpcoming(queue, session.now);
    return { items: [{ ...upcoming, ...(name !== undefined && { queue: name }) }], cursor: null };
  };
  const found = await readLists(target, { allQueues, ...EVERY }, session, read, (all) => all);
  const { items } = found;
  const [one] = items;
  const upcoming = one && !allQueues ? one : upcomingOf(items);
  if (upcoming.next.length === 0) await refuseUnknownQueue(target, session);
  session.print(upcoming, () =>
    upcoming.next.length > 0 ? upcomingTable(upcoming, session) : "Nothing runs in the next hour.",
  );
  const more = totalOf(upcoming) - upcoming.next.length;
  if (more > 0) session.note(`${upcoming.isCut ? "More than " : ""}${count(more)} more follow within the hour.`);
  await noteMore(found, target, session);
}

function listText(schedules: readonly PlacedSchedule[], session: Session): string {
  if (schedules.length > 0) return schedulesTable(schedules, session);
  return "There are no schedules. The first drain activates those declared in code.";
}

function addPreview(group: CommandUnknownOpts, session: Session): void {
  addCommand(group, "preview", "show the next runs of a schedule", "Shows when a schedule fires next.", [
    "tidegate queue:schedules preview daily_report --count 10",
    "the next ten",
  ])
    .argument("<key>", "the key of the schedule")
    .option("--count <count>", "how many occurrences", whole(1, 1_000), 5)
    .action(async (key, { count }) => {
      const { queue } = await openTarget(session);
      const occurrences = await queue.schedules.preview(key, count);
      const line = (at: Date) => `${moment(at)}  ${session.colors.dim(fromNow(at, session.now))}`;
      session.print({ slots: occurrences }, () => occurrences.map(line).join("\n") || "It will not fire again.");
    });
}

function addSet(group: CommandUnknownOpts, session: Session): void {
  addCommand(
    group,
    "set",
    "create or change a schedule",
    "Stores a schedule, replacing any with the same key.",
    ['tidegate queue:schedules set nightly --job clean_up --cron "0 0 3 * * *"', "each night at three, UTC"],
    [
      'tidegate queue:schedules set nightly --job clean_up --cron "@daily" --time-zone Europe/Paris',
      "at midnight there",
    ],
    ["tidegate queue:schedules set sync --job sync_feed --every 90s", "each 90 seconds, counted from 1970"],
  )
    .argument("<key>", "the key of the schedule")
    .requiredOption("--job <name>", "the job that it enqueues")
    .option("--cron <expression>", '5 or 6 fields, seconds first, as in "0 0 9 * * *"')
    .option("--every <duration>", "an interval instead, such as 90s: it fires at each multiple since 1970", duration)
    .option("--time-zone <zone>", "time zone of --cron, such as Europe/Paris (default: UTC)")
    .option("--expires <duration>", "drop a job unless it has begun this long after its occurrence", duration)
    .option("--payload <json>", "the payload of its jobs; - reads it from standard input")
    .addOption(
      new Option("--missed <how>", "what to do with missed occurrences").choices(["once", "skip", "all"] as const),
    )
    .addOption(
      new Option("--overlap <how>", "whether it fires while its last job runs").choices(["allow", "skip"] as const),
    )
    .action(async (key, { payload: text, cron, every, timeZone, ...options }) => {
      const rule = ruleOf({ cron, every, timeZone });
      const { queue } = await openTarget(session);
      const payload = await json(text, "The payload", session.io);
      const schedule = await queue.schedules.upsert(key, {
        ...options,
        ...rule,
        ...(text !== undefined && { payload }),
      });
      session.print(schedule, () => nextText(schedule, session.now));
    });
}

function nextText({ key, nextRunAt, paused }: ScheduleInfo, now: number): string {
  if (paused) return `Schedule ${printable(key)} is paused. It fires after it is resumed.`;
  if (!nextRunAt) return `Schedule ${printable(key)} is stored, but never fires.`;
  return `Schedule ${printable(key)} fires ${fromNow(nextRunAt, now)} (${moment(nextRunAt)}).`;
}

const pauses = [
  { name: "pause", summary: "pause a schedule", does: "Stops a schedule from firing until it is resumed." },
  { name: "resume", summary: "resume a schedule", does: "Resumes a schedule with its next occurrence." },
] as const;

function addPause(group: CommandUnknownOpts, session: Session): void {
  for (const { name, summary, does } of pauses)
    addCommand(group, name, summary, does, [`tidegate queue:schedules ${name} nightly`, summary])
      .argument("<key>", "the key of the schedule")
      .action(async (key) => {
        const { queue } = await openTarget(session);
        const schedule = await queue.schedules[name](key);
        session.print(schedule, () => nextText(schedule, session.now));
      });
}

function addRun(group: CommandUnknownOpts, session: Session): void {
  addCommand(
    group,
    "run",
    "enqueue its job now",
    "Enqueues the job of a schedule now. Its occurrences stay unchanged.",
    ["tidegate queue:schedules run nightly", "enqueue its job now"],
  )
    .argument("<key>", "the key of the schedule")
    .action(async (key) => {
      const { queue } = await openTarget(session);
      const result = await queue.schedules.run(key);
      session.print(result, () => `Enqueued job ${printable(result.id)}.`);
    });
}

function addRemove(group: CommandUnknownOpts, session: Session): void {
  addCommand(
    group,
    "remove",
    "remove a schedule, after confirmation",
    "Removes a schedule, after confirmation. Jobs that it has enqueued stay.",
    ["tidegate queue:schedules remove nightly", "ask, then remove it"],
  )
    .argument("<key>", "the key of the schedule")
    .option("--yes", "do not ask for confirmation")
    .action(async (key, { yes }) => {
      const { queue, label } = await openTarget(session);
      const schedule = await queue.schedules.get(key);
      // The queue itself refuses an unknown schedule.
      if (schedule) await session.confirm(async () => `${label}: remove the schedule ${printable(key)}?`, yes);
      await queue.schedules.remove(key);
      session.print({ removed: 1 }, () => `Schedule ${printable(key)} removed.`);
      if (schedule?.declared)
        session.note("It is declared in the code of a deployment. Remove it there too, or it comes back.");
    });
}

/** What will run within the hour, in the order of time. */
function upcomingTable({ next }: Upcoming, { now, colors, width }: ListView): string {
  const columns: readonly Column<UpcomingEvent>[] = [
    { title: "AT", cell: ({ at }) => `${at.toISOString().slice(11, 19)} UTC` },
    { title: "WHEN", cell: ({ at }) => fromNow(at, now) },
    {
      title: "KIND",
      cell: ({ kind }) => kind,
      paint: (text, { kind }) => (kind === "retry" ? colors.yellow(text) : text),
    },
    ...queueColumnOf(next),
    { title: "JOB", cell: ({ name }) => name, givesWay: true },
    { title: "ID OR SCHEDULE", cell: ({ of }) => of },
  ];
  return table(columns, next, { colors, width });
}

/** How many jobs and occurrences there are in all. */
function totalOf({ minutes }: Upcoming): number {
  return minutes.reduce((sum, { jobs, retries, occurrences }) => sum + jobs + retries + occurrences, 0);
}
