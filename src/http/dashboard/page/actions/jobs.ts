import { act } from "../state/requests.ts";
import { change, type Field, state } from "../state/state.ts";
import { plural } from "../views/format.ts";
import { hrefTo } from "../views/parts.ts";
import { aboutJob, aboutSelection } from "../views/subjects.ts";
import { ask, encoded, goTo, typedPayload } from "./outcome.ts";

/** How many requests of a bulk action are under way at once. */
const AT_ONCE = 4;
/** What cancelling or moving a job costs at most, as test/dashboard counts it. */
const COMMANDS_EACH = 8;

const whenField: Field = { name: "when", label: "When", example: "15m, or 2026-12-01T09:00:00Z" };

/** A duration from now, or a time. */
const timeOf = (text = ""): object => (/^\d+(\.\d+)?\s*[a-z]+$/i.test(text) ? { delay: text } : { runAt: text });

/** The waiting jobs to act on: the one on screen, or the selected ones. */
const waiting = (): readonly string[] => (state.snapshot?.job ? [state.snapshot.job.id] : [...state.selected]);

/** Does something to each waiting job of the selection. One that has changed meanwhile keeps no other from being changed. */
async function each(change_: (path: string) => Promise<unknown>, done: string): Promise<string> {
  const ids = [...waiting()];
  const total = ids.length;
  let failed = 0;
  let last = "";
  const work = async () => {
    for (let id = ids.shift(); id !== undefined; id = ids.shift()) {
      await change_(`jobs/${encoded(id)}`).catch(({ message }: Error) => {
        failed++;
        last = message;
      });
      change({ progress: total > 1 ? `${total - ids.length} of ${total}` : undefined });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (failed === total) throw new Error(last);
  return `${plural(total - failed, "job")} ${done}.${failed > 0 ? ` ${failed} not: ${last}` : ""}`;
}

/** What a bulk action costs, said before. */
const costs = (count: number): string =>
  count > 1 ? ` It takes at most ${plural(count * COMMANDS_EACH, "command")}.` : "";

/** Cancels the selected waiting jobs. */
export function askToCancel(): void {
  const { length } = waiting();
  const jobs = length === 1 ? "this job" : plural(length, "job");
  ask({
    title: `Cancel ${jobs}?`,
    subject: aboutSelection(),
    text: `${length === 1 ? "It" : "They"} will not run, and ${length === 1 ? "its payload is" : "their payloads are"} deleted.${costs(length)}`,
    confirm: length === 1 ? "Cancel the job" : `Cancel ${jobs}`,
    isDangerous: true,
    act: () => each((path) => act("DELETE", path), "cancelled"),
  });
}

/** Stops the running job on screen. */
export function askToStop(): void {
  const { job } = state.snapshot ?? {};
  if (!job) return;
  ask({
    title: "Stop this job?",
    subject: aboutJob(job),
    text: "It is removed at once, with its payload, and is neither retried nor dead. Its handler is aborted within 15 seconds, if the budget of its drain allows.",
    confirm: "Stop the job",
    isDangerous: true,
    act: () => act("DELETE", `jobs/${encoded(job.id)}?running=true`).then(() => "The job is stopped."),
  });
}

/** Makes the selected waiting jobs due. */
export function askToRun(): void {
  const jobs = plural(waiting().length, "job");
  ask({
    title: `Run ${jobs} now?`,
    subject: aboutSelection(),
    text: `Due at once.${costs(waiting().length)}`,
    confirm: `Run ${jobs} now`,
    act: () => each((path) => act("PATCH", path, { delay: 0 }), "due now"),
  });
}

/** Makes the waiting job on screen due. */
export const runNow = (): Promise<string> => each((path) => act("PATCH", path, { delay: 0 }), "due now");

/** Moves the selected waiting jobs to another time. */
export function askToReschedule(): void {
  const jobs = plural(waiting().length, "job");
  ask({
    title: `Reschedule ${jobs}`,
    subject: aboutSelection(),
    text: `A duration from now, or a time.${costs(waiting().length)}`,
    confirm: `Reschedule ${jobs}`,
    fields: [whenField],
    act: ({ when }) => each((path) => act("PATCH", path, timeOf(when)), "rescheduled"),
  });
}

/** Enqueues a job, by default the one on screen once more. */
export function askToEnqueue(isAgain: boolean): void {
  const { job, names = [] } = state.snapshot ?? {};
  const again = isAgain ? job : undefined;
  ask({
    title: again ? "Run it again" : "Enqueue a job",
    subject: again ? aboutJob(again) : undefined,
    text: again ? "Enqueues another job with this payload. The one on screen stays as it is." : "",
    confirm: "Enqueue",
    fields: [
      { name: "name", label: "Name", value: again?.name ?? names[0], options: names },
      {
        name: "payload",
        label: "Payload, as JSON",
        value: JSON.stringify(again?.payload ?? {}, null, 2),
        isLong: true,
      },
      { ...whenField, label: "When (empty: at once)", isOptional: true },
      { name: "id", label: "Id (empty: a new one)", isOptional: true },
    ],
    async act({ name, payload, when, id }) {
      const job = { name, payload: typedPayload(payload), ...(when && timeOf(when)), ...(id && { id }) };
      const made = await act<{ id: string; status: string }>("POST", "jobs", job);
      await goTo(hrefTo({ view: "job", id: made.id }));
      return made.status === "duplicate" ? "A job with this id exists: this is it." : "1 job enqueued.";
    },
  });
}
