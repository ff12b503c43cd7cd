import { html } from "../dom/html.ts";
import { act, fetchPreview } from "../state/requests.ts";
import { change, type Filled, state } from "../state/state.ts";
import { describeCron, describeEvery } from "../views/describe-cron.ts";
import { plural } from "../views/format.ts";
import {
  ask,
  changeMany,
  enqueuedNames,
  filledIn,
  isDuration,
  payloadField,
  refusalShown,
  typedPayload,
} from "./outcome.ts";

/** Creates a schedule, or changes one that no code declares. */
export function askForSchedule(key: string): void {
  const { schedules = [] } = state.snapshot ?? {};
  const names = enqueuedNames();
  const known = schedules.find((each) => each.key === key);
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  ask({
    title: known ? "Change the schedule" : "Create a schedule",
    subject: known && html`<b>${key}</b>`,
    text: "",
    confirm: known ? "Change" : "Create",
    fields: [
      ...(known ? [] : [{ name: "key", label: "Key", example: "nightly-report" }]),
      { name: "name", label: "Job", value: known?.name ?? names[0], options: names },
      {
        ...{ name: "cron", label: "Cron expression or interval", example: "0 9 * * MON-FRI or 90s" },
        ...{ value: known?.cron ?? known?.every ?? "", isPreviewed: true },
      },
      { name: "timeZone", label: "Time zone", value: known?.timeZone ?? timeZone, isPreviewed: true },
      payloadField(known ? known.payload : {}),
    ],
    async act({ key: to = key, name, payload, ...rule }) {
      const { missed, overlap } = known ?? {};
      const body = { name, ...ruleIn(rule), payload: typedPayload(payload), ...(known && { missed, overlap }) };
      await act("PUT /schedules/:key", { target: to, body });
      return `Schedule ${to} ${known ? "changed" : "created"}.`;
    },
  });
}

/** An interval needs no time zone. */
const ruleIn = ({ cron = "", timeZone = "" }: Filled): Filled =>
  isDuration(cron) ? { every: cron } : { cron, timeZone };

export function askToRemoveSchedule(key: string): void {
  ask({
    title: "Remove the schedule?",
    subject: html`<b>${key}</b>`,
    text: "It enqueues no more jobs. Those that it has enqueued stay.",
    confirm: "Remove the schedule",
    isDangerous: true,
    act: () => act("DELETE /schedules/:key", { target: key }).then(() => `Schedule ${key} removed.`),
  });
}

/** Shows the next occurrences of the expression that the user is typing. */
export async function previewSchedule(input: HTMLElement): Promise<void> {
  const form = input.closest("form");
  if (!form) return;
  const { cron = "", timeZone = "" } = filledIn(form);
  if (!cron) return change({ preview: undefined });
  const preview = await fetchPreview(ruleIn({ cron, timeZone })).catch(({ message }: Error) => ({
    occurrences: [],
    error: message,
  }));
  // Another key may have been pressed meanwhile.
  if (filledIn(form)["cron"] === cron)
    change({ preview: { timeZone, words: isDuration(cron) ? describeEvery(cron) : describeCron(cron), ...preview } });
}

/** Asks before it stops the work of a queue. */
export function askToPause(queue: string): void {
  ask({
    title: `Pause ${queue}?`,
    text: "No job of this queue starts until somebody resumes it. Jobs that run go on, and new ones wait.",
    confirm: "Pause",
    async act() {
      await act("POST /pause", { queue });
      return `${queue} is paused.`;
    },
  });
}

/** Asks before it stops a job type, whose waiting jobs may be cancelled with it. */
export async function askToPauseType(name: string, queue: string | undefined): Promise<void> {
  await refusalShown(async () => {
    const { changed: count } = await changeMany("POST /jobs/cancel", { name, dryRun: true }, 0, queue);
    const cancels = ({ waiting }: Filled) => waiting === "cancel";
    const jobs = plural(count, "waiting job");
    ask({
      title: `Pause ${name}?`,
      subject: queue === undefined ? undefined : html`In the queue <b>${queue}</b>`,
      text: (chosen) =>
        `No job of this type starts until somebody resumes it. Jobs that run go on, and new ones wait.${cancels(chosen) ? ` The ${jobs} will not run, and their payloads are deleted.` : ""}`,
      fields: [
        { name: "reason", label: "Reason (may be empty)", isOptional: true },
        ...(count > 0
          ? [
              {
                ...{ name: "waiting", label: `The ${jobs}` },
                choices: [["", "Wait"] as const, ["cancel", "Are cancelled"] as const],
              },
            ]
          : []),
      ],
      confirm: (chosen) => (cancels(chosen) ? `Pause, and cancel ${jobs}` : "Pause"),
      async act({ reason = "", ...chosen }) {
        await act("POST /job-types/:name/pause", { target: name, queue, body: reason === "" ? {} : { reason } });
        if (!cancels(chosen)) return `${name} is paused.`;
        const { changed, isStopped } = await changeMany("POST /jobs/cancel", { name }, count, queue);
        return `${name} is paused, and ${plural(changed, "job")} cancelled${isStopped ? ", then stopped" : ""}.`;
      },
    });
  });
}
