import type { JobPage } from "../core/listing.ts";
import { counted } from "./output/text.ts";
import type { Session } from "./session.ts";

/** Reads one page, or all of them, and tells people how far it is. */
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

/** Tells people how to see what comes after the page. */
export function tellMore(cursor: string | null, session: Session): void {
  if (cursor !== null) session.note(`There are more: add --cursor '${cursor}', or --all.`);
}
