import type { OperationName } from "../contract/operations.ts";
import type { EnqueueResult } from "../core/job/enqueue.ts";
import type { SignalResult } from "../core/manage/signal.ts";
import type { UpcomingEvent } from "../core/queue/upcoming.ts";
import type { ScheduleInfo } from "../core/schedule/schedules.ts";

/**
 * An operation under a name that people type. Its route knows its options, what they take, the scope and the result;
 * the runner does the rest. A row that wants an `if` wants another route. The list of commands needs these rows alone,
 * so they import no code.
 */
export interface Command {
  /** Its name, and its arguments: fields of the path or of the request. */
  readonly words: string;
  /** Its line in the list of commands. That of a list is the line of its group. */
  readonly does: string;
  /** The beginning of its help, where the notes of the route speak of HTTP. Default: these notes. */
  readonly about?: string;
  /** The columns of a list, or the facts of one thing, as "name" or "name=path". Default: every field. */
  readonly shows?: string;
  /** What it says after a change: {field} of the answer, {target} of the path, {label}, {command WORDS}. */
  readonly says?: string | ((answer: never, fields: Readonly<Record<string, unknown>>) => string);
  /** What it says below the result, each if this field of it, or of its first row, is more than 0. */
  readonly adds?: Readonly<Record<string, string>>;
  /** The rows of a list that people see as one, with the sum of their counts. */
  readonly folds?: (row: never) => string;
  /** The option with which a list of one row shows that one instead. */
  readonly opens?: string;
  /** What it says if a list is empty, or if there is nothing to change. */
  readonly none?: string;
  /** What it changes many of: "dead job". */
  readonly noun?: string;
  /** When it asks: "always", if nothing brings back what it removes; "many", unless the user names the ids. */
  readonly asks?: "always" | "many";
  /** Fields that it always sends, or never if undefined. */
  readonly sends?: Readonly<Record<string, unknown>>;
  /** Fields that it sends unless the user gives others. */
  readonly usually?: Readonly<Record<string, unknown>>;
  /** Names of options, if they are not those of the fields. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Options that are of no field, by what they mean. */
  readonly extras?: Readonly<Record<string, string>>;
  readonly examples?: readonly (readonly [command: string, meaning: string])[];
}

export const jobColumns = "id state attempts when name error";

const ofDead = { noun: "dead job", flags: { limit: "first" }, extras: { "parent <id>": "a job's dead children" } };

const resuming =
  (what: string, otherwise = "") =>
  ({ resumed }: { resumed?: boolean }) =>
    resumed === false ? `${what} was not paused.${otherwise}` : `${what} resumes with the next drain.`;

function firing({ paused, nextRunAt }: ScheduleInfo): string {
  if (paused) return "Schedule {key} is paused{in}. Resume with: {command queue:schedules resume {key}}";
  return nextRunAt ? "Schedule {key}{in} fires {nextRunAt}." : "Schedule {key}{in} is stored, but never fires.";
}

/** The commands of each operation, in the order of the help; or why it has none. */
export const commands = {
  enqueueJob: {
    words: "queue:enqueue <name> [payload]",
    does: "enqueue a job",
    about:
      "Enqueues a job, which then runs at least once. With --cron or --every, creates a recurring job instead. With a handler, these two, retries, timeouts and limits need a token with the scope admin.",
    says({ status, runAt }: EnqueueResult, { cron, every }) {
      if (cron !== undefined || every !== undefined)
        return `Schedule {id} ${status === "enqueued" ? "created" : "changed"}{in}. It fires {runAt}.`;
      const due = runAt ? " Due {runAt}." : "";
      return {
        enqueued: `Enqueued job {id} in {queue}.${due}`,
        replaced: `Replaced what job {id} does{in}.${due}`,
        duplicate: "Job {id} already exists{in}. Nothing was enqueued.",
      }[status];
    },
    examples: [[`tidegate queue:enqueue send_email '{"to":"ada@example.com"}'`, "run it now"]],
  },
  sendSignal: {
    words: "queue:signal <event> [data]",
    does: "send a signal to the jobs that wait for it",
    usually: { keep: "7d" },
    says({ woken, kept }: SignalResult) {
      if (woken > 0) return `Woke {woken} job${woken === 1 ? "" : "s"}{in} that waited for {target}.`;
      return `No job waits for {target}{in}. The signal ${kept ? "is kept for {keep}, for the first that will" : "was not kept"}.`;
    },
    examples: [[`tidegate queue:signal reply-42 '{"text":"yes"}'`, "the reply that a job waits for"]],
  },
  listJobs: {
    words: "queue:jobs list",
    does: "list, search, show, reschedule, run or cancel jobs",
    about:
      "Lists jobs: running ones, then the most recently changed ones, then scheduled ones, five of each state. With --state, --all or --cursor, lists one state after the other, in pages. With an ID, shows that job. A short id is found while its job is among the latest 1,000 of its state.\n\n--search examines up to 10,000 jobs of each queue, dead ones first, counts what it finds, and shows five of each state. --all examines every job, and shows all that it finds. --since counts too.",
    shows: jobColumns,
    none: "No matching jobs.",
    examples: [["tidegate queue:jobs --search user.email=ada", "by a field of their payload"]],
  },
  getFailures: {
    words: "queue:failures list",
    does: "show what broke, by name and error, and who is affected",
    about:
      "Groups dead jobs by type and error, the latest first. With a GROUP, shows who is affected; with a job type, its groups, or the only one. JOBS counts all that are dead, even with --since. AGE: new if the first died in the last 24 hours, over if none has for 12.",
    sends: { latest: true },
    opens: "name",
    shows: "group jobs=count first=firstAt last=lastAt age name error",
    none: "No matching groups of dead jobs.",
    adds: {
      ungrouped: "Dead jobs in no group: {ungrouped}. See: {command queue:dlq}",
      older: "Older groups not shown: {older}. Add --all, or a larger --limit.",
      group: "Who is affected: {command queue:failures {group}}",
    },
    examples: [["tidegate queue:failures --since 1h", "what broke in the last hour"]],
  },
  getFailure: {
    words: "queue:failures show <group>",
    does: "show one group, by the minute, and who is affected",
    shows: "group name error jobs=count first=firstAt last=lastAt age last-hour=byMinute examined=newest affected",
    adds: { group: "To retry them: {command queue:dlq retry --group {group}}" },
  },
  listDeadJobs: {
    words: "queue:dlq list",
    does: "list, show, retry or remove dead jobs",
    about: "Lists dead jobs, newest first, each with its last attempt's error. With an ID, shows that job.",
    shows: "id dead=failedAt attempts name error",
    none: "There are no dead jobs.",
    examples: [["tidegate queue:dlq retry --name send_email", "retry all of one type"]],
  },
  getJob: [
    {
      words: "queue:jobs show <id>",
      does: "show one job",
      shows:
        "id name queue state attempts enqueued=enqueuedAt enqueued-by=enqueuedBy retried=retriedAt runs=runAt expires=expiresAt waits-for=waits until=heldBack.until until=waitingFor.until started=startedAt timeout completed=completedAt dead=failedAt schedule progress encrypted payload result children steps errors logs",
    },
    {
      words: "queue:dlq show <id>",
      does: "show a dead job, with its payload and errors",
      shows:
        "id name queue state attempts enqueued=enqueuedAt retried=retriedAt dead=failedAt schedule encrypted payload errors logs",
    },
  ],
  listChildren: {
    words: "queue:jobs children <id>",
    does: "list a job's children",
    shows: jobColumns,
    none: "It has no such children.",
  },
  cancelJobs: {
    words: "queue:jobs cancel [ids...]",
    does: "remove waiting jobs, after confirmation",
    about:
      "Removes waiting jobs for good, after confirmation: by their ids, all of one type, or all. On a terminal, one job is also removed if it runs or is dead.",
    noun: "waiting job",
    asks: "always",
  },
  cancelJob: {
    words: "queue:jobs stop <id>",
    does: "remove a job even while it runs, through its signal",
    about: "Removes a job for good, even while it runs: its signal is aborted.",
    sends: { running: true },
    asks: "always",
    says: "Removed job {target}{in}.",
  },
  rescheduleJobs: [
    {
      words: "queue:jobs reschedule [ids...]",
      does: "move waiting jobs to another time",
      about: "Moves waiting jobs: by their ids, all of one type, or all. A terminal asks before it moves several.",
      noun: "waiting job",
      asks: "many",
    },
    {
      words: "queue:jobs run [ids...]",
      does: "make waiting jobs due now",
      about: "Makes waiting jobs due now: by their ids, all of one type, or all.",
      sends: { delay: 0, runAt: undefined },
      noun: "waiting job",
      asks: "many",
    },
  ],
  updateJob: {
    words: "queue:jobs update <id>",
    does: "change a waiting job's run time or payload",
    says: ({ runAt }: { runAt?: Date | null }) => `Changed job {id} ({name}){in}.${runAt ? " Due {runAt}." : ""}`,
  },
  retryDeadJobs: {
    words: "queue:dlq retry [ids...]",
    does: "retry dead jobs now, with all their retries",
    about:
      "Makes dead jobs due now, or spread over a time, with all their retries: by their ids, all of one parent, type or group, or all. On a terminal it asks before it retries several.",
    ...ofDead,
    asks: "many",
    examples: [["tidegate queue:dlq retry --name send_email --first 10", "the ten newest, as a trial"]],
  },
  removeDeadJobs: {
    words: "queue:dlq remove [ids...]",
    does: "remove dead jobs for good, after confirmation",
    about: "Removes dead jobs for good, after confirmation: by their ids, all of one parent, type or group, or all.",
    ...ofDead,
    asks: "always",
  },
  listSchedules: {
    words: "queue:schedules list",
    does: "list, set, pause or run schedules; show the next hour",
    about:
      "Lists recurring jobs, both from the code of a deployment and from calls at run time: those that fail first, then by key. RUNS shows how the jobs of the last five occurrences ended, the latest on the right: ✓ completed, ✗ dead, ! failed and retried, · not ended. With a KEY, shows that one.",
    sends: { runs: true },
    shows: "key fires zone last runs next set-in=set job=name error",
    adds: { failing: "Since when, and how often: {command queue:failures {name}}" },
    none: "There are no schedules. The first drain activates those declared in code.",
    examples: [[`tidegate queue:schedules set nightly --job clean_up --cron "0 3 * * *"`, "create or change one"]],
  },
  getSchedule: {
    words: "queue:schedules show <key>",
    does: "show one schedule",
    sends: { runs: true },
    shows: "key job=name fires time-zone=zone next occurrences missed overlap set-in=set payload last-5-runs=runs",
  },
  getUpcoming: {
    words: "queue:schedules upcoming",
    does: "show what runs in the next hour, by time",
    about:
      "Shows what runs in the next hour: each schedule once, and so the jobs of a type, with the time of the first.",
    shows: "when=at at=clock kind job=name times=count of=event",
    folds: ({ kind, name, of }: UpcomingEvent) => (kind === "occurrence" ? of : `${kind} ${name}`),
    none: "Nothing runs in the next hour. What is paused does not count.",
    adds: { more: "Not shown, within the hour too: {more}.", listed: "What is paused does not count." },
  },
  previewSchedule: {
    words: "queue:schedules preview <key>",
    does: "show a schedule's next occurrences",
    shows: "occurrences",
    says: (found: ScheduleInfo) => (Object(found).occurrences[0] ? "" : firing(found)),
  },
  putSchedule: {
    words: "queue:schedules set <key>",
    does: "create or change a schedule",
    flags: { name: "job" },
    says: firing,
  },
  pauseSchedule: { words: "queue:schedules pause <key>", does: "pause a schedule until it is resumed", says: firing },
  resumeSchedule: { words: "queue:schedules resume <key>", does: "resume a paused schedule", says: firing },
  runSchedule: { words: "queue:schedules run <key>", does: "enqueue its job now", says: "Enqueued job {id}{in}." },
  removeSchedule: {
    words: "queue:schedules remove <key>",
    does: "remove a schedule, after confirmation",
    asks: "always",
    says: "Removed schedule {target}{in}. If code declares it, remove it there too, or it comes back.",
  },
  listFlowControlKeys: {
    words: "queue:flow list",
    does: "list, limit or pause flow control keys; who holds a key",
    about:
      "Lists the keys that have jobs, an open window or pinned limits, or are paused: the busiest of a page first, of all keys with --all. With a KEY, shows that one. Limits that you set stay until you unset them.",
    shows: "running waiting limits key pinned paused",
    none: "No flow control key is in use.",
    examples: [["tidegate queue:flow set mail --rate 100 --period 1m", "set its limits"]],
  },
  getFlowControlKey: {
    words: "queue:flow show <key>",
    does: "show a key, which jobs hold its slots, and which are next",
    shows: "key running waiting limits started=startedInWindow window-closes=windowEndsAt pinned paused jobs",
    adds: {
      paused: "To resume it: {command queue:flow resume {key}}",
      waiting: "All {waiting} that wait: {command queue:jobs --search {key} --in key --state ready}",
    },
  },
  setFlowControlKey: {
    words: "queue:flow set <key>",
    does: "set and pin a key's limits",
    says: "Limits of {key}{in}: {limits}. They stay until: {command queue:flow unset {key}}",
  },
  unsetFlowControlKey: {
    words: "queue:flow unset <key>",
    does: "let enqueues set a key's limits again",
    says: "The next enqueue{in} sets the limits of {target}.",
  },
  pauseFlowControlKey: {
    words: "queue:flow pause <key>",
    does: "pause a key until it is resumed",
    says: "{target} is paused{in}. Resume with: {command queue:flow resume {target}}",
  },
  resumeFlowControlKey: {
    words: "queue:flow resume <key>",
    does: "resume a paused key",
    says: resuming("{target}{in}", " Its slots are counted again."),
    adds: { waiting: "Jobs that waited for it: {waiting}." },
  },
  listChanges: {
    words: "queue:changes",
    does: "show who changed the queue, and when",
    about:
      "Lists the latest changes, newest first: who paused, resumed, retried, removed, cancelled, cleared, moved or signalled, and set limits and schedules. BY is the name of the token; for a Redis or a module, it is your user name.",
    shows: "at=clock when=at by change=operation target jobs=count reason",
    none: "No change is listed.",
    examples: [["tidegate queue:changes --since 1h", "those of the last hour"]],
  },
  pause: {
    words: "queue:pause",
    does: "pause the queue until queue:resume",
    says: "{label} is paused. Resume with: {command queue:resume}",
    examples: [["tidegate queue:pause --queue bulk", "pause one queue"]],
  },
  resume: {
    words: "queue:resume",
    does: "resume a paused queue",
    says: resuming("{label}"),
    examples: [["tidegate queue:resume --queue bulk", "resume one queue"]],
  },
  getFigures: {
    words: "queue:types list [name]",
    does: "show, pause (stop) or resume job types",
    about:
      "Shows for each job type, or one, how many jobs wait and died, how long attempts RUN and jobs waited for them (p95: 95 % took no longer), and who paused it. TODAY so far and YDAY, yesterday, are days of UTC; 1H is the last hour.",
    sends: { days: 2, pending: true },
    shows:
      "name waiting=pending dead-today=days.1.dead dead-yday=days.0.dead run-today=days.1.running.p95Ms run-yday=days.0.running.p95Ms done-1h=hour.processed dead-1h=hour.dead run-1h=hour.running.p95Ms retried-1h=hour.retried wait-today=days.1.waiting.p95Ms wait-yday=days.0.waiting.p95Ms paused",
    none: "No such job type: none has a job that ended or waits.",
    examples: [['tidegate queue:types pause charge --reason "CRM is down"', "pause one job type"]],
  },
  pauseJobs: {
    words: "queue:types pause <name>",
    does: "pause a job type",
    extras: { force: "even if no job of this type is known" },
    says: "{target} is paused{in}. Resume with: {command queue:types resume {target}}",
    adds: {
      pending:
        "Waiting until it is resumed: {pending}. Still running: {running}. To cancel those that wait: {command queue:jobs cancel --name {target}}",
    },
  },
  resumeJobs: { words: "queue:types resume <name>", does: "resume a job type", says: resuming("{target}{in}") },
  clearJobs: {
    words: "queue:clear",
    does: "remove all jobs in a state",
    usually: { state: "pending" },
    noun: "job",
    asks: "always",
    examples: [["tidegate queue:clear --state completed --yes", "free memory, without confirmation"]],
  },
  rekey: {
    words: "queue:rekey",
    does: "encrypt everything with the current key",
    about:
      "Encrypts jobs, schedules and documents with the current key, in steps. It may run alongside drains, and be stopped and repeated. Run it again until it has nothing to do, and then remove the old key. For Redis itself, TIDEGATE_ENCRYPTION_KEYS has the keys: k2:BASE64,k1:BASE64, the current one first.",
    noun: "record",
    none: "Nothing to do: everything is encrypted with the current key.",
    adds: { left: "Left: {left}, changed meanwhile or of a running job. Run this again." },
    examples: [["tidegate queue:rekey", "after you have made another key the current one"]],
  },
  listQueues: "queue:list shows them",
  getStats: "queue:list shows them",
  drain: "queue:work asks for it",
  drainByGet: "as drain",
  getHealth: "queue:doctor asks for it",
  getHistory: "queue:doctor reads it, and the dashboard draws it",
  getActivity: "the dashboard draws it",
  watchJob: "queue:jobs shows a job as it is",
  retryDeadJob: "as retryDeadJobs",
  removeDeadJob: "as removeDeadJobs",
  getMetrics: "for Prometheus",
  getDescription: "for generators",
} as const satisfies { readonly [Name in OperationName]: Command | readonly Command[] | string };
