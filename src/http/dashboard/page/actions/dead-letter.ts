import type { JobInfo } from "../../../../core/manage/job-info.ts";
import type { JobPage } from "../../../../core/manage/list.ts";
import type { DeadSelection } from "../../../../core/manage/selection.ts";
import type { Json } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { act } from "../state/requests.ts";
import { type Field, queueNow, state } from "../state/state.ts";
import { aboutGroup, aboutJob, aboutSelection } from "../views/dialogs.ts";
import { number, plural } from "../views/format.ts";
import { linkToRetried } from "../views/parts.ts";
import { ask, changeMany, payloadField, refusalShown, typedPayload } from "./outcome.ts";

/** The dead jobs to act on: the one on screen, or the selected ones. */
function selection(): DeadSelection {
  const { job } = state.snapshot ?? {};
  if (job) return { ids: [job.id] };
  if (!state.isAllSelected) return { ids: [...state.selected] };
  const { group, search } = state.route;
  if (group) return { group };
  return search ? { name: search } : { all: true };
}

/** A group in a row, or the one on screen. Two queues may have the same. */
const groupOf = (id: string, queue?: string) =>
  state.snapshot?.failures?.failures.find((each) => each.group === id && (!queue || each.queue === queue)) ??
  state.snapshot?.failure;

/** How many are retried first, to see whether they pass. */
const TEN = 10;

/** How to retry several dead jobs: a duration spreads them. */
const pacesOf = (count: number): Field => ({
  name: "pace",
  label: "When",
  choices: [
    ["", "All at once"],
    ...(count > TEN ? ([["ten", "The ten newest, to see whether they pass"]] as const) : []),
    ["10m", "Spread over 10 minutes"],
    ["1h", "Spread over an hour"],
  ],
});

const NOT_DEAD = "None of these jobs is dead any more.";

/** How many dead jobs a call changes, so that the bar moves. */
const PIECE = 250;

/** Counts the jobs unless the user chose each, asks, and changes those that were counted, whatever dies meanwhile. */
export async function askForDead(
  what: "retry" | "remove",
  jobs: DeadSelection = selection(),
  queue?: string,
  about?: Html,
): Promise<void> {
  const known = jobs.group ? groupOf(jobs.group, queue) : undefined;
  const subject: Html = about ?? (known ? aboutGroup(known) : aboutSelection());
  const isRetry = what === "retry";
  const verb = isRetry ? "Retry" : "Remove";
  const address = `POST /dead-letter/${what}` as const;
  await refusalShown(async () => {
    const { changed: count, before } = jobs.ids
      ? { changed: jobs.ids.length, before: undefined }
      : await changeMany(address, { ...jobs, dryRun: true }, 0, queue);
    if (count === 0) throw new Error(NOT_DEAD);
    const askedAt = before ?? queueNow();
    const counted = { ...jobs, before };
    const all = plural(count, "job");
    ask({
      title: ({ pace }) => `${verb} ${pace === "ten" ? plural(TEN, "job") : all}?`,
      queue,
      subject,
      text({ pace }) {
        if (!isRetry) return `This removes ${all} for good.`;
        if (pace === "ten") return `The other ${number(count - TEN)} stay dead.`;
        return jobs.ids ? "" : "Those that die meanwhile stay dead.";
      },
      confirm: ({ pace }) => `${verb} ${pace === "ten" ? plural(TEN, "job") : all}`,
      isDangerous: !isRetry,
      removes: isRetry ? undefined : state.snapshot?.job?.id,
      // The clock of the page may be a little behind that of the queue.
      leadsTo: isRetry && (() => linkToRetried(askedAt, queueNow() + 1_000, { queue: queue ?? state.snapshot?.queue })),
      ...(isRetry && count > 1 && { fields: [pacesOf(count)] }),
      act: async ({ pace }) => {
        if (pace === "ten") {
          const ten = jobs.ids ? { ids: jobs.ids.slice(0, TEN) } : { limit: TEN };
          const { retried } = await act<{ readonly retried: number }>(address, { body: { ...counted, ...ten }, queue });
          return `${plural(retried, "job")} retried. The others stay dead.`;
        }
        const pieces = jobs.ids ? {} : { limit: PIECE };
        const over = pace ? { over: pace } : {};
        const { changed, isStopped } = await changeMany(address, { ...counted, ...pieces, ...over }, count, queue);
        if (changed === 0) throw new Error(NOT_DEAD);
        const done = `${plural(changed, "job")} ${isRetry ? "retried" : "removed"}`;
        if (isStopped) return `${done}, then stopped. The others stay dead.`;
        if (pace) return `${done}, spread over ${pace === "1h" ? "an hour" : "10 minutes"}.`;
        const others = count - changed;
        return `${done}.${jobs.ids && others > 0 ? ` ${number(others)} had been retried or removed meanwhile.` : ""}`;
      },
    });
  });
}

/** Retries all dead jobs of a type. */
export const askForType = (name: string, queue?: string): Promise<void> =>
  askForDead("retry", { name }, queue, html`<b>${name}</b>`);

/** Retries the dead children of a job. */
export async function askForChildren(parent: string, queue?: string): Promise<void> {
  await refusalShown(async () => {
    const query = { state: "dead", limit: "1000" };
    const { jobs } = await act<Json<JobPage>>("GET /jobs/:id/children", { target: parent, query, queue });
    const ids = jobs.map(({ id }) => id);
    await askForDead("retry", { ids }, queue, html`The dead children of <code>${parent}</code>`);
  });
}

/** Retries one dead job with a payload that the user edits first. */
export function askForPayload(job: Json<JobInfo>, note = ""): void {
  const unchecked = state.snapshot?.names.includes(job.name)
    ? ""
    : ` Nothing checks the payload here: ${job.name} is not defined.`;
  ask({
    title: "Retry with another payload",
    subject: aboutJob(job),
    text: `${note}${unchecked}`,
    confirm: "Retry",
    fields: [payloadField(job.payload)],
    async act({ payload }) {
      await act("POST /dead-letter/:id/retry", { target: job.id, body: { payload: typedPayload(payload) } });
      return "1 job retried.";
    },
  });
}

/** The same for the newest job of a group of failures. The others stay dead. */
export async function askForNewestPayload(group: string): Promise<void> {
  const { sampleId = "", count = 1 } = groupOf(group) ?? {};
  await refusalShown(async () => {
    const job = await act<Json<JobInfo>>("GET /jobs/:id", { target: sampleId });
    askForPayload(job, count > 1 ? ` The other ${number(count - 1)} of this failure stay dead.` : "");
  });
}
