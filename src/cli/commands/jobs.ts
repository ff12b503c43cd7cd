import { Option } from "@commander-js/extra-typings";
import { notFound } from "../../core/shared/errors.ts";
import { jobStates } from "../../core/store/store.ts";
import { jobColumns, jobDetails } from "../output/jobs.ts";
import { addPageOptions, noteNextPage, readPages, refusePageOptions } from "../paging.ts";
import { examples, type Program } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget, refuseUnknownQueue } from "../target.ts";

/** `queue:jobs`: lists jobs, or shows one. */
export function addJobs(program: Program, session: Session): void {
  const command = program
    .command("queue:jobs")
    .summary("list jobs, or show one")
    .description("Lists jobs: scheduled, then ready, running, completed and dead. With an ID, shows that job.")
    .argument("[id]", "show everything about this job")
    .addOption(new Option("--state <state>", "only those in this state").choices(jobStates))
    .option("--name <name>", "only those of this name");
  addPageOptions(command)
    .addHelpText(
      "after",
      examples(
        ["tidegate queue:jobs --state ready", "jobs that wait to run"],
        ["tidegate queue:jobs --name send_email --all", "every job of one name"],
        ["tidegate queue:jobs 0197a2c4-...", "one job, with its payload and errors"],
      ),
    )
    .action(async (id, { all, ...options }, command) => {
      if (id !== undefined) refusePageOptions(command);
      const target = await openTarget(session, program.opts());
      const { queue } = target;
      if (id !== undefined) {
        const job = await queue.getJob(id);
        if (!job) throw notFound("No job has this id. Completed jobs are kept only for the queue's retention.");
        session.print(job, () => jobDetails(job, session.now, session.colors));
        return;
      }
      const page = await readPages(
        "jobs",
        (cursor) => queue.listJobs({ ...options, cursor }),
        options.cursor,
        all,
        session,
      );
      if (page.jobs.length === 0) await refuseUnknownQueue(target, program.opts());
      session.print(page, () =>
        page.jobs.length > 0 ? session.table(jobColumns(session.now, session.colors), page.jobs) : "No matching jobs.",
      );
      noteNextPage(page.cursor, session);
    });
}
