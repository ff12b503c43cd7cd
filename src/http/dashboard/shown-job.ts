import type { JobInfo } from "../../core/manage/job-info.ts";
import { type MessageBrief, messageOf } from "./message-brief.ts";

/** How much is shown of the JSON of a value. */
export const MOST_SHOWN_CHARACTERS = 20_000;

const valueNames = ["payload", "result", "progress"] as const;

/**
 * A job as its own page shows it. The page polls while the job runs, so what it does not show of large values is not
 * sent.
 */
export interface ShownJob extends JobInfo {
  /** What it delivers. */
  readonly message?: MessageBrief | undefined;
  /** The beginnings of large values, as indented JSON. The values themselves are left out. */
  readonly beginnings?: { readonly [Name in (typeof valueNames)[number]]?: string };
}

export function shownJob(job: JobInfo): ShownJob {
  const large = valueNames.filter((name) => (JSON.stringify(job[name]) ?? "").length > MOST_SHOWN_CHARACTERS);
  const message = messageOf(job);
  // One character more says that the text goes on.
  const beginningOf = (value: unknown) => JSON.stringify(value, null, 2).slice(0, MOST_SHOWN_CHARACTERS + 1);
  return {
    ...job,
    ...Object.fromEntries(large.map((name) => [name, undefined])),
    ...(message && { message }),
    ...(large.length > 0 && { beginnings: Object.fromEntries(large.map((name) => [name, beginningOf(job[name])])) }),
  };
}
