import type { Command, CommandUnknownOpts, OptionValues } from "@commander-js/extra-typings";
import type { JobPage } from "../core/manage/list.ts";
import { whole } from "./option-values.ts";
import { counted } from "./output/text.ts";
import type { Session } from "./session.ts";
import { UsageError } from "./usage-error.ts";

/** Adds the options that every list of jobs has. */
export function addPageOptions<Arguments extends unknown[], Options extends OptionValues>(
  command: Command<Arguments, Options>,
) {
  return command
    .option("--name <name>", "only those of this name")
    .option("--limit <count>", "how many", whole(1, 1_000), 50)
    .option("--cursor <cursor>", "continue after the previous page")
    .option("--all", "every page");
}

/** Refuses list options together with an ID. @throws {UsageError} */
export function refusePageOptions(command: CommandUnknownOpts): void {
  const given = command.options.find((option) => command.getOptionValueSource(option.attributeName()) === "cli");
  if (given) throw new UsageError(`An ID selects one job, so leave out ${given.long}.`);
}

/** Reads one page or all of them, and shows the progress. */
export async function readPages<Job>(
  read: (cursor: string | undefined) => Promise<JobPage<Job>>,
  from: string | undefined,
  isAll: boolean | undefined,
  session: Session,
): Promise<JobPage<Job>> {
  const line = session.liveLine();
  const jobs: Job[] = [];
  let cursor: string | null | undefined = from;
  try {
    do {
      const page: JobPage<Job> = await read(cursor);
      jobs.push(...page.jobs);
      cursor = page.cursor;
      if (cursor !== null) line.show(`${counted(jobs.length, "job")} read`);
    } while (isAll && cursor !== null);
  } finally {
    line.clear();
  }
  return { jobs, cursor };
}

/** Says how to see the next page. */
export function noteNextPage(cursor: string | null, session: Session): void {
  if (cursor !== null) session.note(`More follow. Add --cursor '${cursor}', or --all.`);
}
