import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import type { JobInfo } from "../../core/manage/job-info.ts";
import { conflict, notFound } from "../../core/shared/errors.ts";
import { jobStates } from "../../core/store/store.ts";
import { addAllQueues, noteMore, readLists } from "../all-queues.ts";
import { changeJobs } from "../change-jobs.ts";
import { findJob } from "../find-job.ts";
import { inOrder, latestJobs, pageOfJobs } from "../job-lists.ts";
import { when } from "../option-values.ts";
import { childrenOf, jobDetails, jobTable } from "../output/jobs.ts";
import { counted, printable } from "../output/text.ts";
import { fromNow, moment } from "../output/time.ts";
import { addPageOptions } from "../paging.ts";
import { type PendingAction, pendingChange, readPendingSelection } from "../pending-jobs.ts";
import { addCommand } from "../program.ts";
import { noteFirstQueue } from "../queues.ts";
import { type Sought, searchJobs } from "../search-jobs.ts";
import type { Session } from "../session.ts";
import { addSince, sinceMs } from "../since.ts";
import { quoted } from "../suggested-command.ts";
import { openTarget, refuseUnknownQueue, type Target } from "../target.ts";
import { UsageError } from "../usage-error.ts";

const DESCRIPTION = `Lists the latest jobs of each state: running jobs, then the most recently changed ones, then scheduled ones. With
--state, lists the jobs of one state: ended jobs from the newest, waiting jobs from the next to run.

With an ID, shows or changes that job. On a terminal, the list shows the last eight characters of long ids. You can use them as an
ID while the job is among the latest 1,000 of its state. --wide shows whole ids.

With --name or --all instead of an ID, --cancel, --reschedule and --run change all matching jobs that wait. --dry-run only counts them.

With --json, --all or --cursor, lists one state after the other, in pages.

--since keeps jobs to which something has happened since: they ended, or began, or were enqueued. It reads ended jobs only as far
back. --all-queues merges the lists of all queues, up to --limit jobs.

--search and --search-payload ignore case. They examine up to 1,000 jobs, 18 MiB or 5 s, and say how many jobs they have examined: at most
60 commands, or 6 requests through a handler. To continue, give --cursor, or --all for every job.`;

/** How many jobs of each state are listed by default. */
const OF_EACH = 10;
/** How many children of a job are shown. */
const CHILDREN_SHOWN = 20;

const searches = ["--search", "--search-payload"];
/** Options of lists that do not select jobs. */
const ofListsAlone = ["--limit", "--cursor", "--all-queues", "--since", "--wide", ...searches];
const ofLists = ["--state", "--name", "--all", ...ofListsAlone];
/** What a search does without: it examines whole pages. */
const notOfSearches = ["--name", "--limit", "--since"];
const actions = ["--cancel", "--reschedule", "--run"];

function addJobsCommand({ program }: Session) {
  const command = addCommand(
    program,
    "queue:jobs",
    "list jobs, show one, or cancel, reschedule or run it",
    DESCRIPTION,
    ["tidegate queue:jobs", "the latest ten of each state"],
    ["tidegate queue:jobs --state completed", "completed jobs, newest first"],
    ["tidegate queue:jobs --name send_email --all", "every job of one type"],
    ["tidegate queue:jobs --state completed --since 1h", "completed in the last hour"],
    ["tidegate queue:jobs --all-queues --state running", "what runs, in every queue"],
    ["tidegate queue:jobs --search-payload user.email=ada", "jobs by a field of their payload"],
    ["tidegate queue:jobs 3f9a1c2e", "one job, with its payload, steps and errors"],
    ["tidegate queue:jobs 3f9a1c2e --reschedule 1h", "run it in an hour"],
    ["tidegate queue:jobs 3f9a1c2e --cancel", "remove it, after confirmation"],
    ["tidegate queue:jobs --name send_email --cancel", "remove all waiting jobs of one type"],
    ["tidegate queue:jobs --all --state scheduled --run", "run all scheduled jobs now"],
  )
    .argument("[id]", "show everything about this job")
    .addOption(new Option("--state <state>", "only jobs in this state").choices(jobStates))
    .option("--name <name>", "only jobs of this type")
    .option("--search <text>", "only jobs with this text in their name, id, errors or payload")
    .option("--search-payload <text>", "only jobs with this text in their payload, or in one field: user.email=ada")
    .option("--wide", "show whole ids and errors, one line per job");
  return addSince(addAllQueues(addPageOptions(command)))
    .option("--cancel", "remove the job, or all waiting jobs of --name or --all, after confirmation")
    .option("--running", "with an ID and --cancel: also stop a running job, through its signal")
    .option("--reschedule <when>", "run it later or sooner: after 30s, 5m, 1h, 7d, or at a time", when)
    .option("--run", "make it due now")
    .option("--dry-run", "with --name or --all: only count the jobs")
    .option("--yes", "do not ask for confirmation");
}

type Options = ReturnType<ReturnType<typeof addJobsCommand>["opts"]>;

export function addJobs(session: Session): void {
  addJobsCommand(session).action(async (id, options, command) => {
    const action = checkOptions(id, command);
    const selection = id === undefined && action ? readPendingSelection(action, options) : undefined;
    const target = await openTarget(session);
    if (selection) {
      const change = pendingChange(target, pendingAction(options), selection, session);
      await changeJobs(target.label, change, options, session);
      return;
    }
    const sought = soughtBy(options);
    if (sought) return printFound(target, sought, options, session);
    if (id === undefined) return listJobs(target, options, command, session);
    const { job, target: owner } = await findJob(target, id, session);
    if (action && owner !== target)
      throw notFound(`The job is in the queue ${printable(job.queue)}. Name it with --queue to change the job.`);
    if (options.cancel) return cancel(target, job, options, session);
    if (options.run) return run(target, job, session);
    if (options.reschedule !== undefined) return reschedule(target, job, options.reschedule, session);
    const page = job.children && (await owner.queue.listChildren(job.id, { limit: CHILDREN_SHOWN }));
    session.print(job, () => {
      const details = jobDetails(job, session);
      return page ? [details, ...childrenOf(job, page.jobs, session)].join("\n\n") : details;
    });
    if (page?.cursor)
      session.note(`These are the first ${CHILDREN_SHOWN} children. GET /jobs/ID/children has all of them.`);
  });
}

/** Returns the action that was asked for. @throws {UsageError} for options that contradict each other */
function checkOptions(id: string | undefined, command: CommandUnknownOpts): string | undefined {
  const isGiven = (flag: string) =>
    command.options.some(
      (option) => option.long === flag && command.getOptionValueSource(option.attributeName()) === "cli",
    );
  const [action, second] = actions.filter(isGiven);
  const list = (id === undefined ? ofListsAlone : ofLists).find(isGiven);
  if (id !== undefined && list) throw new UsageError(`An ID selects one job, so leave out ${list}.`);
  if (action && list) throw new UsageError(`${action} changes all selected jobs, so leave out ${list}.`);
  const [search, other = search && notOfSearches.find(isGiven)] = searches.filter(isGiven);
  if (search && other) throw new UsageError(`Give ${search} or ${other}, not both.`);
  if (second) throw new UsageError(`Give ${action} or ${second}, not both.`);
  if (isGiven("--yes") && !(action === "--cancel" || (action && id === undefined)))
    throw new UsageError("--yes is for --cancel, and for changes of all jobs of --name or --all.");
  if (isGiven("--running") && (action !== "--cancel" || id === undefined))
    throw new UsageError("--running is for --cancel with the ID of a job.");
  if (isGiven("--dry-run") && (!action || id !== undefined))
    throw new UsageError(`--dry-run is for ${actions.join(", ")} with --name or --all.`);
  return action;
}

function pendingAction({ cancel, reschedule }: Options): PendingAction {
  return cancel ? { verb: "cancel" } : { verb: "move", to: reschedule ?? "0s" };
}

async function listJobs(
  target: Target,
  { wide, since, ...options }: Options,
  command: CommandUnknownOpts,
  session: Session,
): Promise<void> {
  const listed = { ...options, since: sinceMs(since, session) };
  const { all, state, cursor, limit, allQueues } = options;
  const inPages = session.isJson || all || state !== undefined || cursor !== undefined || allQueues;
  if (!inPages) {
    const ofEach = command.getOptionValueSource("limit") === "cli" ? limit : OF_EACH;
    const { jobs, more } = await latestJobs(target.queue, { ...listed, limit: ofEach });
    await printJobs(target, { jobs }, { wide }, session);
    if (more) session.note("More follow. Add --state STATE, --limit COUNT of each state, or --all.");
    return noteFirstQueue(target, session);
  }
  const read = async ({ queue }: Target) => {
    const { jobs, ...page } = await pageOfJobs(queue, listed, session);
    return { items: jobs, ...page };
  };
  const found = await readLists(target, options, session, read, inOrder);
  const { items: jobs, isMerged } = found;
  await printJobs(target, { jobs, cursor: found.cursor }, { wide, withQueue: isMerged }, session);
  await noteMore(found, target, session);
}

function soughtBy({ search, searchPayload }: Options): Sought | undefined {
  if (searchPayload !== undefined) return { text: searchPayload, by: "payload" };
  return search === undefined ? undefined : { text: search, by: "any" };
}

async function printFound(target: Target, sought: Sought, options: Options, session: Session): Promise<void> {
  let examined = 0;
  const read = async (each: Target) => {
    const found = await searchJobs(each, sought, options, session);
    examined += found.examined;
    return found;
  };
  const found = await readLists(target, { ...options, limit: 1_000 }, session, read, inOrder);
  const { items: jobs, isMerged, cursor } = found;
  await printJobs(target, { jobs, cursor, examined }, { wide: options.wide, withQueue: isMerged }, session);
  session.note(`${counted(examined, "job")} examined.`);
  await noteMore(found, target, session);
}

async function printJobs(
  target: Target,
  page: { readonly jobs: readonly JobInfo[]; readonly cursor?: string | null; readonly examined?: number },
  { wide, withQueue = false }: { readonly wide: true | undefined; readonly withQueue?: boolean },
  session: Session,
): Promise<void> {
  const { jobs } = page;
  if (jobs.length === 0) await refuseUnknownQueue(target, session);
  const { now, colors, width } = session;
  session.print(page, () =>
    jobs.length > 0 ? jobTable(jobs, { now, colors, width: wide ? undefined : width, withQueue }) : "No matching jobs.",
  );
}

async function cancel(
  { queue, label }: Target,
  job: JobInfo,
  { running, yes }: Options,
  session: Session,
): Promise<void> {
  const what = `job ${printable(job.id)} (${printable(job.name)})`;
  if (job.state === "running" && !running)
    throw conflict(`Job "${printable(job.id)}" is running. To stop it, add --running.`);
  // The queue itself refuses a job in another state.
  const isRunning = job.state === "running" && running;
  const isWaiting = job.state === "scheduled" || job.state === "ready";
  if (isWaiting || isRunning)
    await session.confirm(async () => `${label}: ${isRunning ? "stop and remove" : "remove"} ${what} for good?`, yes);
  await queue.cancel(job.id, { running: running === true });
  session.print({ cancelled: 1, id: job.id }, () => `Removed ${what}.`);
}

async function run(target: Target, job: JobInfo, session: Session): Promise<void> {
  if (job.state === "dead")
    throw conflict(`The job is dead. Retry it with: ${target.command(`queue:dlq retry ${quoted(job.id)}`)}`);
  await reschedule(target, job, "0s", session);
}

async function reschedule(
  { queue }: Target,
  { id, name }: JobInfo,
  to: Parameters<Target["queue"]["reschedule"]>[1],
  session: Session,
): Promise<void> {
  const job = await queue.reschedule(id, to);
  const at =
    job.runAt && job.state === "scheduled"
      ? `${fromNow(job.runAt, session.now)} (${moment(job.runAt)})`
      : "with the next drain";
  session.print(job, () => `Job ${printable(id)} (${printable(name)}) runs ${at}.`);
}
