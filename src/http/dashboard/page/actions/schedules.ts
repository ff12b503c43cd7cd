import type { OperationAddress } from "../../../../contract/operations.ts";
import { html } from "../dom/html.ts";
import { act, fetchPreview } from "../state/requests.ts";
import { change, type Field, type Filled, state } from "../state/state.ts";
import { describeCron, describeEvery } from "../views/describe-cron.ts";
import { askToCancelType, waitingOf } from "./jobs.ts";
import { ask, enqueuedNames, filledIn, isDuration, payloadField, typedPayload } from "./outcome.ts";

/** Creates a schedule, or changes one that no code declares. */
export function askForSchedule(key: string, queue?: string): void {
  const { schedules = [] } = state.snapshot ?? {};
  const names = enqueuedNames();
  const known = schedules.find((each) => each.key === key && (!queue || each.queue === queue));
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  ask({
    title: known ? "Change the schedule" : "Create a schedule",
    queue,
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
      await act("PUT /schedules/:key", { target: to, body, queue });
      return `Schedule ${to} ${known ? "changed" : "created"}.`;
    },
  });
}

/** An interval needs no time zone. */
const ruleIn = ({ cron = "", timeZone = "" }: Filled): Filled =>
  isDuration(cron) ? { every: cron } : { cron, timeZone };

export function askToRemoveSchedule(key: string, queue?: string): void {
  ask({
    title: "Remove the schedule?",
    queue,
    subject: html`<b>${key}</b>`,
    text: "The jobs that it has enqueued stay.",
    confirm: "Remove the schedule",
    isDangerous: true,
    act: () => act("DELETE /schedules/:key", { target: key, queue }).then(() => `Schedule ${key} removed.`),
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

const reasonField: Field = { name: "reason", label: "Reason (optional)", isOptional: true };

function waitingField(name: string, queue: string | undefined): Field {
  const [, jobs] = waitingOf(name, queue);
  return {
    name: "waiting",
    label: jobs ? `Waiting: ${jobs}` : "Waiting jobs",
    choices: [
      ["", "Keep them"],
      ["cancel", "Cancel them"],
    ],
  };
}

/** Asks before it stops the work of a queue, a key or a job type, and then, if wanted, before it cancels what waits. */
export function askToPause(kind: string, address: OperationAddress, name: string, queue: string | undefined): void {
  ask({
    title: `Pause ${name}?`,
    queue: kind === "queue" ? undefined : queue,
    text: "Running jobs go on. Others wait until someone resumes it.",
    fields: [reasonField, ...(kind === "type" ? [waitingField(name, queue)] : [])],
    confirm: "Pause",
    async act({ reason, waiting }) {
      await act(address, { target: name, queue, body: { reason: reason || undefined } });
      if (waiting) askToCancelType(name, queue);
      return `${name} is paused.`;
    },
  });
}
