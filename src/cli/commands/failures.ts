import { failureColumns } from "../output/failures.ts";
import { counted } from "../output/text.ts";
import { addPageOptions, noteNextPage, readPages } from "../paging.ts";
import { examples, type Program } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget, refuseUnknownQueue } from "../target.ts";

/** `queue:failures`: what is dead, by job name and error. */
export function addFailures(program: Program, session: Session): void {
  const command = program
    .command("queue:failures")
    .summary("show what broke: dead jobs by name and error")
    .description(
      "Groups dead jobs by name and error, the largest group first. Numbers, ids and quoted parts of a message do not count.",
    );
  addPageOptions(command)
    .addHelpText(
      "after",
      examples(
        ["tidegate queue:failures", "what broke, how often, and since when"],
        ["tidegate queue:dlq --group 3f1c9a04b7de", "the jobs of one group"],
        ["tidegate queue:dlq retry --group 3f1c9a04b7de", "retry them"],
      ),
    )
    .action(async ({ all, limit, cursor }) => {
      const target = await openTarget(session, program.opts());
      let ungrouped = 0;
      const read = async (from: string | undefined) => {
        const page = await target.queue.getFailures({ limit, cursor: from });
        ungrouped = page.ungrouped;
        return page;
      };
      const page = await readPages("failures", read, cursor, all, session);
      const failures = [...page.failures].sort((a, b) => b.count - a.count);
      if (failures.length === 0 && ungrouped === 0) await refuseUnknownQueue(target, program.opts());
      session.print({ failures, cursor: page.cursor, ungrouped }, () =>
        failures.length > 0 ? session.table(failureColumns(session.now, session.colors), failures) : nothing(ungrouped),
      );
      if (ungrouped > 0)
        session.note(`${counted(ungrouped, "dead job")} in no group. See: ${target.command("queue:dlq")}`);
      noteNextPage(page.cursor, session);
    });
}

function nothing(ungrouped: number): string {
  return ungrouped > 0 ? "No dead job is in a group." : "There are no dead jobs.";
}
