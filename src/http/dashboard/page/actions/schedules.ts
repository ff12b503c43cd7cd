import { html } from "../dom/html.ts";
import { act, fetchPreview } from "../state/requests.ts";
import { change, state } from "../state/state.ts";
import { describeCron } from "../views/describe-cron.ts";
import { ask, encoded, enqueuedNames, filledIn, payloadField, typedPayload } from "./outcome.ts";

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
      { name: "key", label: "Key", value: key, example: "nightly-report" },
      { name: "name", label: "Job", value: known?.name ?? names[0], options: names },
      { name: "cron", label: "Cron expression", value: known?.cron, example: "0 9 * * MON-FRI", isPreviewed: true },
      { name: "timeZone", label: "Time zone", value: known?.timeZone ?? timeZone, isPreviewed: true },
      payloadField(known?.payload ?? {}),
    ],
    async act({ key: to = "", payload, ...rest }) {
      const { missed, overlap } = known ?? {};
      const body = { ...rest, payload: typedPayload(payload), ...(known && { missed, overlap }) };
      await act("PUT", `schedules/${encoded(to)}`, body);
      return `Schedule ${to}: ${known ? "changed" : "created"}.`;
    },
  });
}

export function askToRemoveSchedule(key: string): void {
  ask({
    title: "Remove the schedule?",
    subject: html`<b>${key}</b>`,
    text: "It enqueues no more jobs. Those that it has enqueued stay.",
    confirm: "Remove the schedule",
    isDangerous: true,
    act: () => act("DELETE", `schedules/${encoded(key)}`).then(() => `Schedule ${key}: removed.`),
  });
}

/** Shows the next occurrences of the expression that the user is typing. */
export async function previewSchedule(input: HTMLElement): Promise<void> {
  const form = input.closest("form");
  if (!form) return;
  const { cron = "", timeZone = "" } = filledIn(form);
  if (!cron) return change({ preview: undefined });
  const preview = await fetchPreview(cron, timeZone).catch(({ message }: Error) => ({
    occurrences: [],
    error: message,
  }));
  // Another key may have been pressed meanwhile.
  if (filledIn(form)["cron"] === cron) change({ preview: { timeZone, words: describeCron(cron), ...preview } });
}
