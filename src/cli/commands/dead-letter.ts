import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { notFound } from "../../core/shared/errors.ts";
import { findIds } from "../find-job.ts";
import { failureGroup } from "../option-values.ts";
import { deadTable, jobDetails } from "../output/jobs.ts";
import { addPageOptions, noteNextPage, readPages } from "../paging.ts";
import { examples, type Program, refuseUnknownSubcommand } from "../program.ts";
import type { Session } from "../session.ts";
import { suggestedCommand } from "../suggested-command.ts";
import { openTarget, refuseUnknownQueue } from "../target.ts";
import { addRemove, addRetry } from "./dead-letter-actions.ts";

/** `queue:dlq`: dead jobs. */
export function addDeadLetter(program: Program, session: Session): void {
  const group = program
    .command("queue:dlq")
    .summary("list, retry and remove dead jobs")
    .description("The dead-letter queue keeps dead jobs, with their errors, until you retry or remove them.")
    .addHelpText(
      "after",
      examples(
        ["tidegate queue:dlq", "list them, newest first"],
        ["tidegate queue:dlq show 0197a2c4-...", "one, with its payload and stack"],
        ["tidegate queue:dlq retry 0197a2c4-...", "retry it"],
        ["tidegate queue:dlq retry --name send_email", "retry all of one type"],
        ["tidegate queue:dlq retry --group 3f1c9a04b7de", "retry a group of queue:failures"],
        ["tidegate queue:dlq remove --all", "remove all, after confirmation"],
      ),
    );
  addList(group, program, session);
  addShow(group, program, session);
  addRetry(group, program, session);
  addRemove(group, program, session);
}

function addList(group: CommandUnknownOpts, program: Program, session: Session): void {
  const command = group
    .command("list", { isDefault: true })
    .summary("list them, newest first")
    .description("Lists dead jobs, newest first, each with the error of its last attempt.")
    .option("--name <name>", "only jobs of this type")
    .option("--group <group>", "only jobs of this group of queue:failures", failureGroup)
    .option("--wide", "show whole ids and errors, one line per job");
  addPageOptions(command)
    .addHelpText(
      "after",
      examples(
        ["tidegate queue:dlq list --name send_email", "jobs of one type"],
        ["tidegate queue:dlq list --all --json", "everything, for a script"],
      ),
    )
    .allowExcessArguments()
    .action(async ({ all, wide, ...options }, command) => {
      refuseUnknownSubcommand(command, `To see one job: ${suggestedCommand("queue:dlq show ID", program.opts())}`);
      const target = await openTarget(session, program.opts());
      const { queue } = target;
      const read = (cursor: string | undefined) => queue.listDeadLetter({ ...options, cursor });
      const page = await readPages("jobs", read, options.cursor, all, session);
      if (page.jobs.length === 0) await refuseUnknownQueue(target, program.opts());
      const { now, colors, width } = session;
      session.print(page, () =>
        page.jobs.length > 0
          ? deadTable(page.jobs, { now, colors, width: wide ? undefined : width })
          : "There are no dead jobs.",
      );
      noteNextPage(page.cursor, session);
    });
}

function addShow(group: CommandUnknownOpts, program: Program, session: Session): void {
  group
    .command("show")
    .summary("show one dead job, with its payload and errors")
    .description("Shows everything about one dead job: its payload, the errors of its attempts, and the last stack.")
    .argument("<id>", "the id of the job")
    .addHelpText("after", examples(["tidegate queue:dlq show 0197a2c4-...", "show one dead job"]))
    .action(async (id) => {
      const target = await openTarget(session, program.opts());
      const { queue, command } = target;
      const [whole = id] = await findIds(target, [id], ["dead"], session);
      const job = await queue.getJob(whole);
      if (job?.state !== "dead") throw notFound(`No dead job has this id. See: ${command("queue:dlq")}`);
      session.print(job, () => jobDetails(job, session.now, session.colors));
    });
}
