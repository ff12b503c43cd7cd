import type { JobInfo } from "../../core/manage/job-info.ts";
import { conflict, isTidegateError, notFound } from "../../core/shared/errors.ts";
import { findJob } from "../find-job.ts";
import { latestJobs, pageOfJobs } from "../job-lists.ts";
import { whole } from "../option-values.ts";
import { type RunBrief, type RunDetails, runsTable, waterfall } from "../output/runs.ts";
import { readPages } from "../paging.ts";
import { addCommand } from "../program.ts";
import { noteFirstQueue } from "../queues.ts";
import type { Session } from "../session.ts";
import { addSince, sinceMs } from "../since.ts";
import { openTarget, refuseUnknownQueue, type Target } from "../target.ts";
import { UsageError } from "../usage-error.ts";
import { canReadWorkflows, readWorkflows } from "../workflow-runs.ts";

const DESCRIPTION = `Lists runs of workflows and jobs with steps, newest first. With an ID, shows when each step ran.

A handler shows runs of workflows only to a token of its QStash interface: set QSTASH_TOKEN. Without it, lists jobs with steps alone.
Jobs with steps are looked for among the latest 100 jobs of each state, or among all with --all.`;

/** How many jobs of each state are searched for steps. */
const SEARCHED = 100;
const LISTED = 20;
/** How many runs of workflows a request reads: each brings its steps. */
const AT_ONCE = 20;

export function addRuns(session: Session): void {
  const command = addCommand(
    session.program,
    "queue:runs",
    "list runs of workflows and jobs with steps, or show one",
    DESCRIPTION,
    ["tidegate queue:runs", "the latest runs"],
    ["tidegate queue:runs --since 1h", "those that have begun in the last hour"],
    ["tidegate queue:runs wfr_3f9a1c2e", "one run: when each of its steps ran"],
  )
    .argument("[id]", "show this run, or this job")
    .option("--limit <count>", "how many (default: 20)", whole(1, 1_000))
    .option("--all", "every run");
  addSince(command).action(async (id, { limit, all, since: given }) => {
    const target = await openTarget(session);
    if (id !== undefined) {
      if (limit !== undefined || all || given !== undefined)
        throw new UsageError("An ID selects one run, so leave out --limit, --all and --since.");
      const run = await findRun(target, id, session);
      return session.print(run, () => waterfall(run, session));
    }
    const since = sinceMs(given, session);
    const asked = { limit: limit ?? LISTED, all, since };
    const found = [...(await workflowsIfAny(target, asked, session)), ...(await jobsWithSteps(target, asked, session))]
      .filter(({ startedAt }) => since === undefined || startedAt.getTime() >= since)
      .sort((one, other) => other.startedAt.getTime() - one.startedAt.getTime());
    const runs = found.slice(0, all ? found.length : asked.limit).map(briefOf);
    if (runs.length === 0) await refuseUnknownQueue(target, session);
    session.print({ runs }, () => (runs.length > 0 ? runsTable(runs, session) : "No matching runs."));
    if (runs.length < found.length) session.note("More follow. Add --limit COUNT, or --all.");
    await noteFirstQueue(target, session, false);
  });
}

interface Asked {
  readonly limit: number;
  readonly all: true | undefined;
  readonly since: number | undefined;
}

/** None, and a remark, from a handler that shows none. */
async function workflowsIfAny(target: Target, asked: Asked, session: Session): Promise<readonly RunDetails[]> {
  if (!canReadWorkflows(target, session)) {
    session.aside("Without QSTASH_TOKEN, runs of workflows are not listed.");
    return [];
  }
  try {
    return await workflows(target, asked, session);
  } catch (error) {
    if (!isTidegateError(error) || error.code !== "not_found") throw error;
    session.note(error.message);
    return [];
  }
}

async function workflows(
  target: Target,
  { limit, all, since: ms }: Asked,
  session: Session,
): Promise<readonly RunDetails[]> {
  // One more says that more follow.
  const count = Math.min(limit + 1, AT_ONCE);
  const since = ms === undefined ? undefined : { ms, timeOf, isNewestFirst: true };
  const found: RunDetails[] = [];
  for (let from: string | undefined; ; ) {
    const read = (cursor: string | undefined) => readWorkflows(target, { count, cursor }, session);
    const { runs, cursor } = await readPages("runs", read, { from, all, since }, session);
    found.push(...runs);
    if (cursor === null || found.length > limit) return found;
    from = cursor;
  }
}

const timeOf = ({ startedAt }: RunBrief) => startedAt.getTime();

async function jobsWithSteps(
  { queue }: Target,
  { all, since }: Asked,
  session: Session,
): Promise<readonly RunDetails[]> {
  const listed = { limit: SEARCHED, all, since };
  const { jobs } = await (all ? pageOfJobs(queue, listed, session) : latestJobs(queue, listed));
  return jobs.flatMap((job) => runOf(job) ?? []);
}

async function findRun(target: Target, id: string, session: Session): Promise<RunDetails> {
  if (!id.startsWith("wfr_")) {
    const run = runOf((await findJob(target, id, session)).job);
    if (!run) throw conflict("This job has no steps. See queue:jobs with its id.");
    return run;
  }
  if (!canReadWorkflows(target, session))
    throw new UsageError(
      "Runs of workflows need a token.",
      "Set QSTASH_TOKEN to one of the handler's QStash interface.",
    );
  const [run] = (await readWorkflows(target, { id }, session)).runs;
  if (!run) throw notFound("No run has this id. Runs that have ended are kept only for a time.");
  return run;
}

/** A job with steps; undefined for any other. */
function runOf({ id, name, state, steps, completedAt, failedAt }: JobInfo): RunDetails | undefined {
  const [first] = steps ?? [];
  if (!steps || !first) return undefined;
  return {
    ...{ id, kind: "job", name },
    state: state === "completed" || state === "dead" ? state : "running",
    startedAt: first.startedAt,
    endedAt: completedAt ?? failedAt ?? null,
    done: steps.filter((step) => step.state === "completed").length,
    total: steps.length,
    steps: steps.map((step) => ({
      ...{ name: step.name, startedAt: step.startedAt, endedAt: step.endedAt },
      state: step.state === "timedOut" ? "timed out" : step.state,
      ...(step.error && { error: `${step.error.name}: ${step.error.message}` }),
    })),
  };
}

function briefOf({ steps: _, ...run }: RunDetails): RunBrief {
  return run;
}
