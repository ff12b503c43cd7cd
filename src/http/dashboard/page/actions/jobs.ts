import type { JobInfo } from "../../../../core/manage/job-info.ts";
import type { SignalResult } from "../../../../core/manage/signal.ts";
import type { Json } from "../../snapshot.ts";
import { visible } from "../dom/html.ts";
import { act, root } from "../state/requests.ts";
import { change, type Field, type Filled, type Question, state } from "../state/state.ts";
import { aboutJob, aboutSelection } from "../views/dialogs.ts";
import { capital, number, plural } from "../views/format.ts";
import { hrefTo } from "../views/parts.ts";
import {
  ask,
  askAboutJob,
  changeMany,
  enqueuedNames,
  goTo,
  isDuration,
  payloadField,
  refusalShown,
  typedPayload,
} from "./outcome.ts";

const whenField: Field = { name: "when", label: "When", example: "15m, or 2026-12-01T09:00:00Z" };

const timeOf = (text = ""): object => (isDuration(text) ? { delay: text } : { runAt: text });

/** The waiting jobs to act on: the one on screen, the selected ones, or all of the list. */
function waiting(): object {
  const { snapshot, selected, isAllSelected, route } = state;
  if (snapshot?.job) return { ids: [snapshot.job.id] };
  if (!isAllSelected) return { ids: [...selected] };
  const name = route.search;
  return { ...(name ? { name } : { all: true }), state: route.state };
}

/** Asks the user before an action on waiting jobs. The selection on screen may change after that. */
async function askWaiting(
  queue: string | undefined,
  what: "cancel" | "reschedule",
  done: string,
  asked: (jobs: string, isOne: boolean) => Omit<Question, "act">,
  whenOf: (filled: Filled) => object = () => ({}),
): Promise<void> {
  const jobs = waiting();
  const { snapshot, isAllSelected, selected } = state;
  await refusalShown(async () => {
    const counted = isAllSelected ? await changeMany("POST /jobs/cancel", { ...jobs, dryRun: true }) : undefined;
    if (counted?.isStopped) return;
    const count = counted?.changed ?? (snapshot?.job ? 1 : selected.size);
    const question = asked(plural(count, "job"), count === 1);
    ask({
      subject: aboutSelection(),
      queue,
      ...question,
      text: `${question.text}${isAllSelected ? " This includes jobs enqueued meanwhile." : ""}`,
      act: async (filled) =>
        outcome(
          await changeMany(`POST /jobs/${what}`, { ...jobs, ...whenOf(filled) }, isAllSelected ? count : 0, queue),
          isAllSelected ? 0 : count,
          done,
        ),
    });
  });
}

/** What an action did. @param count how many jobs it was to change; 0 if nobody counted them. */
function outcome({ changed, isStopped }: Awaited<ReturnType<typeof changeMany>>, count: number, done: string): string {
  const others = count - changed;
  if (isStopped) return `${plural(changed, "job")} ${done}, then stopped. The others are unchanged.`;
  if (changed === 0) throw new Error("Nothing was changed: none waits any more, or all have that time.");
  return `${plural(changed, "job")} ${done}.${others > 0 ? ` ${number(others)} had started or ended meanwhile.` : ""}`;
}

export const askToCancel = (_: string, queue?: string): Promise<void> =>
  askWaiting(queue, "cancel", "cancelled", (jobs, isOne) => ({
    title: `Cancel and delete ${isOne ? "this job" : jobs}?`,
    text: "",
    confirm: `Cancel ${isOne ? "the job" : jobs}`,
    isDangerous: true,
    removes: state.snapshot?.job?.id,
  }));

/** How many jobs of a type wait, and that in words, where the page has counted them. */
export function waitingOf(name: string, queue: string | undefined): readonly [number?, string?] {
  const { pending } =
    state.snapshot?.figures?.names.find((each) => each.name === name && (!queue || each.queue === queue)) ?? {};
  return pending ? [pending.count, `${pending.estimated ? "about " : ""}${plural(pending.count, "job")}`] : [];
}

/** Cancels the waiting jobs of one type. Says how many, if that is known. */
export function askToCancelType(name: string, queue: string | undefined): void {
  const [count, jobs = "they"] = waitingOf(name, queue);
  ask({
    title: `Cancel and delete the waiting jobs of ${name}?`,
    queue,
    text: `${capital(jobs)} will not run. This includes jobs enqueued meanwhile.`,
    confirm: "Cancel the jobs",
    isDangerous: true,
    act: async () => outcome(await changeMany("POST /jobs/cancel", { name }, count, queue), 0, "cancelled"),
  });
}

export function askToStop(): void {
  const { job } = state.snapshot ?? {};
  if (!job) return;
  ask({
    title: "Stop this job?",
    subject: aboutJob(job),
    text: "This removes it for good, and aborts its handler.",
    confirm: "Stop the job",
    isDangerous: true,
    removes: job.id,
    act: () =>
      act("DELETE /jobs/:id", { target: job.id, query: { running: "true" } }).then(() => "The job is stopped."),
  });
}

export function askToSignal(): void {
  const { job } = state.snapshot ?? {};
  const events = job?.waitingFor?.events;
  if (!events) return;
  ask({
    title: "Send a signal",
    subject: aboutJob(job),
    text: "It wakes every job that waits for it.",
    confirm: "Send the signal",
    fields: [
      { name: "event", label: "Signal", choices: events.map((each) => [each, each] as const) },
      { name: "data", label: "Data, as JSON", value: "null", isLong: true },
    ],
    async act({ event = "", data }) {
      const body = { data: typedPayload(data, "data"), keep: "0s" };
      const { woken } = await act<SignalResult>("POST /signals/:event", { target: event, body });
      if (woken === 0) throw new Error("No job waits for it any more.");
      return `${plural(woken, "job")} woken.`;
    },
  });
}

const atOnce = () => ({ delay: 0 });

export const askToRun = (_: string, queue?: string): Promise<void> =>
  askWaiting(
    queue,
    "reschedule",
    "due now",
    (jobs) => ({ title: `Run ${jobs} now?`, text: "", confirm: `Run ${jobs} now` }),
    atOnce,
  );

export const runNow = async (): Promise<string> =>
  outcome(await changeMany("POST /jobs/reschedule", { ...waiting(), ...atOnce() }), 1, "due now");

export const askToReschedule = (_: string, queue?: string): Promise<void> =>
  askWaiting(
    queue,
    "reschedule",
    "rescheduled",
    (jobs) => ({
      title: `Reschedule ${jobs}`,
      text: "",
      confirm: `Reschedule ${jobs}`,
      fields: [whenField],
    }),
    ({ when }) => timeOf(when),
  );

export function askToEnqueue(again?: Json<JobInfo>): void {
  const names = enqueuedNames();
  // If the response is lost, the same dialog enqueues no second job.
  const newId = crypto.getRandomValues(new BigUint64Array(2)).join("-");
  ask({
    title: again ? "Enqueue another" : "Enqueue a job",
    subject: again ? aboutJob(again) : undefined,
    text: "",
    confirm: "Enqueue",
    fields: [
      { name: "name", label: "Job type", value: again?.name ?? names[0], options: names },
      payloadField(again ? again.payload : {}),
      { ...whenField, label: "When (empty: at once)", isOptional: true },
      { name: "id", label: "Id (empty: a new one)", isOptional: true },
    ],
    async act({ name, payload, when, id }) {
      const job = { name, payload: typedPayload(payload), ...(when && timeOf(when)), id: id || newId };
      const made = await act<{ id: string; status: string }>("POST /jobs", { body: job });
      await goTo(hrefTo({ view: "job", id: made.id }));
      return made.status === "duplicate" ? "A job with this id exists: this is it." : "1 job enqueued.";
    },
  });
}

/** For how long a button says that it has copied. */
const SHOWN_MS = 2_000;

// What can be copied of the job on screen, by name.
const texts: Readonly<Record<string, (job: Json<JobInfo>) => string>> = {
  id: ({ id }) => id,
  payload: ({ payload }) => visible(JSON.stringify(payload, null, 2)),
  /** A command that enqueues such a job again. The token is for the user to fill in. */
  curl({ name, payload }) {
    const url = `${location.origin}${root}queues/${encodeURIComponent(state.snapshot?.queue ?? "")}/jobs`;
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
