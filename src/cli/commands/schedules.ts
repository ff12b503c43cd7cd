import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import { duration, json, whole } from "../option-values.ts";
import type { Column } from "../output/table.ts";
import { printable } from "../output/text.ts";
import { fromNow, moment } from "../output/time.ts";
import { addCommand, refuseUnknownSubcommand } from "../program.ts";
import { ruleOf } from "../recurrence.ts";
import type { Session } from "../session.ts";
import { openTarget } from "../target.ts";

export function addSchedules(session: Session): void {
  const group = addCommand(
    session.program,
    "queue:schedules",
    "list, set, pause, run and remove recurring jobs",
    "Manages recurring jobs, both from the code of a deployment and from calls at run time.",
    ["tidegate queue:schedules", "list them, with their next occurrence"],
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
  addCommand(
    group,
    "list",
    "list them, with their next occurrence",
    "Lists recurring jobs sorted by key, each with its last and its next occurrence.",
    ["tidegate queue:schedules list --json", "all of them, for a script"],
  )
    .allowExcessArguments()
    .action(async (_, command) => {
      refuseUnknownSubcommand(command);
      const { queue } = await openTarget(session);
      const schedules = await queue.schedules.list();
      session.print({ schedules }, () =>
        schedules.length > 0
          ? session.table(columns(session), schedules)
          : "There are no schedules. The first drain activates those declared in code.",
      );
    });
}

function columns({ now, colors }: Session): readonly Column<ScheduleInfo>[] {
  return [
    { title: "KEY", cell: ({ key }) => key, givesWay: true },
    { title: "FIRES", cell: ({ cron, every }) => cron ?? `every ${every}`, givesWay: true },
    { title: "ZONE", cell: ({ cron, timeZone }) => (cron === null ? "-" : timeZone), givesWay: true },
    { title: "LAST", cell: ({ lastRunAt }) => (lastRunAt ? fromNow(lastRunAt, now) : "-") },
    {
      title: "NEXT",
      cell: ({ nextRunAt, paused }) => (paused ? "paused" : nextRunAt ? fromNow(nextRunAt, now) : "never"),
      paint: (text, { nextRunAt, paused }) => (paused ? colors.yellow(text) : nextRunAt ? text : colors.red(text)),
    },
    { title: "SET IN", cell: ({ declared }) => (declared ? "code" : "run time") },
    { title: "JOB", cell: ({ name }) => name },
  ];
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
