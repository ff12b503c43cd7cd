import type { JobInfo } from "../core/manage/job-info.ts";
import { findJobs } from "../http/dashboard/find-jobs.ts";
import type { Listed } from "./job-lists.ts";
import { count } from "./output/text.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";

interface FoundJobs {
  readonly items: readonly JobInfo[];
  readonly cursor: string | null;
  readonly examined: number;
}

/** What to find: text in names, ids, errors and payloads, or in payloads alone or a field of them: `user.email=ada`. */
export interface Sought {
  readonly text: string;
  readonly by: "any" | "payload";
}

/** Searches up to 1,000 jobs, or all of them, with what lists jobs: a handler needs no route of its own for it. */
export async function searchJobs(
  { queue }: Target,
  { text, by }: Sought,
  { state, cursor: from, all }: Pick<Listed, "state" | "cursor" | "all">,
  session: Session,
): Promise<FoundJobs> {
  const listing = { list: queue.listJobs.bind(queue), clock: () => session.now };
  const line = session.liveLine();
  const items: JobInfo[] = [];
  let examined = 0;
  let cursor = from;
  try {
    do {
      const found = await findJobs(listing, { state, text, by, cursor });
      items.push(...found.jobs);
      examined += found.examined;
      cursor = found.cursor ?? undefined;
      line.show(`${count(examined)} jobs examined, ${count(items.length)} found`);
    } while (all && cursor !== undefined);
  } finally {
    line.clear();
  }
  return { items, cursor: cursor ?? null, examined };
}
