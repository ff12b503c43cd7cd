import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { DeadJob } from "../../core/manage/job-info.ts";
import { notFound } from "../../core/shared/errors.ts";
import { addAllQueues, noteMore, readLists } from "../all-queues.ts";
import { findIds } from "../find-job.ts";
import { jobsSince } from "../job-lists.ts";
import { failureGroup } from "../option-values.ts";
import { deadTable, jobDetails } from "../output/jobs.ts";
import { addPageOptions, readPages } from "../paging.ts";
import { addCommand, refuseUnknownSubcommand } from "../program.ts";
import type { Session } from "../session.ts";
import { addSince, sinceMs } from "../since.ts";
import { suggestedCommand } from "../suggested-command.ts";
import { openTarget, refuseUnknownQueue, type Target } from "../target.ts";
import { addRemove, addRetry } from "./dead-letter-actions.ts";

export function addDeadLetter(session: Session): void {
  const group = addCommand(
    session.program,
    "queue:dlq",
    "list, retry and remove dead jobs",
    "The dead-letter queue keeps dead jobs, with their errors, until you retry or remove them.",
    ["tidegate queue:dlq", "list them, newest first"],
    ["tidegate queue:dlq show 0197a2c4-...", "one, with its payload and stack"],
    ["tidegate queue:dlq retry 0197a2c4-...", "retry it"],
    ["tidegate queue:dlq retry --name send_email", "retry all of one type"],
    ["tidegate queue:dlq retry --group 3f1c9a04b7de", "retry a group of queue:failures"],
    ["tidegate queue:dlq remove --all", "remove all, after confirmation"],
  );
  addList(group, session);
  addShow(group, session);
  addRetry(group, session);
  addRemove(group, session);
}

function addList(group: CommandUnknownOpts, session: Session): void {
  const command = addCommand(
    group,
    "list",
    "list them, newest first",
    "Lists dead jobs, newest first, each with the error of its last attempt.",
    ["tidegate queue:dlq list --name send_email", "jobs of one type"],
    ["tidegate queue:dlq list --since 1h --all-queues", "what died in the last hour, in every queue"],
    ["tidegate queue:dlq list --all --json", "everything, for a script"],
  )
    .option("--name <name>", "only jobs of this type")
    .option("--group <group>", "only jobs of this group of queue:failures", failureGroup)
    .option("--wide", "show whole ids and errors, one line per job");
  addSince(addAllQueues(addPageOptions(command)))
    .allowExcessArguments()
    .action(async ({ wide, since, ...options }, command) => {
      refuseUnknownSubcommand(command, `To see one job: ${suggestedCommand("queue:dlq show ID", session.globals)}`);
      const { name, group, limit, cursor: from, all } = options;
      const range = jobsSince(sinceMs(since, session), "dead");
      const target = await openTarget(session);
      const readOf = async ({ queue }: Target) => {
        const read = (cursor: string | undefined) => queue.listDeadLetter({ name, group, limit, cursor });
        const { jobs, ...page } = await readPages("jobs", read, { from, all, since: range }, session);
        return { items: jobs, ...page };
      };
      const found = await readLists(target, options, session, readOf, newestFirst);
      const { items: jobs, cursor, isMerged } = found;
      if (jobs.length === 0) await refuseUnknownQueue(target, session);
      const { now, colors, width } = session;
      session.print({ jobs, cursor }, () =>
        jobs.length > 0
          ? deadTable(jobs, { now, colors, width: wide ? undefined : width, withQueue: isMerged })
          : "There are no dead jobs.",
      );
      await noteMore(found, target, session);
    });
}

function newestFirst(jobs: readonly DeadJob[]): readonly DeadJob[] {
  return [...jobs].sort((one, other) => other.failedAt.getTime() - one.failedAt.getTime());
}

function addShow(group: CommandUnknownOpts, session: Session): void {
  addCommand(
    group,
    "show",
    "show one dead job, with its payload and errors",
    "Shows everything about one dead job: its payload, the errors of its attempts, and the last stack.",
    ["tidegate queue:dlq show 0197a2c4-...", "show one dead job"],
  )
    .argument("<id>", "the id of the job")
    .action(async (id) => {
      const target = await openTarget(session);
      const { queue, command } = target;
      const [whole = id] = await findIds(target, [id], ["dead"], session);
      const job = await queue.getJob(whole);
      if (job?.state !== "dead") throw notFound(`No dead job has this id. See: ${command("queue:dlq")}`);
      session.print(job, () => jobDetails(job, session));
    });
}
