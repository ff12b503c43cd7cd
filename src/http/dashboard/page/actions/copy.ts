import type { JobInfo } from "../../../../core/manage/job-info.ts";
import type { Json } from "../../snapshot.ts";
import { visible } from "../dom/html.ts";
import { root } from "../state/requests.ts";
import { change, state } from "../state/state.ts";
import { askAboutJob, encoded } from "./outcome.ts";

/** For how long a button says that it has copied. */
const SHOWN_MS = 2_000;

// What can be copied of the job on screen, by name.
const texts: Readonly<Record<string, (job: Json<JobInfo>) => string>> = {
  id: ({ id }) => id,
  payload: ({ payload }) => visible(JSON.stringify(payload, null, 2)),
  /** A command that enqueues such a job again. The token is for the user to fill in. */
  curl({ name, payload }) {
    const url = `${location.origin}${root}queues/${encoded(state.snapshot?.queue ?? "")}/jobs`;
    const headers = '-H "Authorization: Bearer $TIDEGATE_TOKEN" -H "Content-Type: application/json"';
    return `curl -X POST ${quoted(url)} ${headers} -d ${quoted(visible(JSON.stringify({ name, payload })))}`;
  },
};

/** A text as one word of a shell. A terminal obeys control characters even within quotes, so it must have none. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export function copyOfJob(what: string): Promise<void> {
  return askAboutJob(async (job) => {
    const { clipboard } = navigator;
    if (!clipboard) throw new Error("Copying needs https, or localhost.");
    await clipboard.writeText(texts[what]?.(job) ?? "").catch(() => {
      throw new Error("The browser has refused to copy: allow this site the clipboard.");
    });
    change({ copied: what });
    setTimeout(() => state.copied === what && change({ copied: undefined }), SHOWN_MS);
  });
}
