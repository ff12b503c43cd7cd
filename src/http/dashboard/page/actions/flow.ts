import { durationText } from "../../../../core/shared/duration.ts";
import { html } from "../dom/html.ts";
import { act } from "../state/requests.ts";
import { type Field, state } from "../state/state.ts";
import { limitsOf } from "../views/flow.ts";
import { ask } from "./outcome.ts";

/** A typed number. The handler refuses other text, and says what the limit must be. */
const numberIn = (text = ""): number | string | undefined =>
  text === "" ? undefined : Number.isNaN(Number(text)) ? text : Number(text);

/** Sets the limits of a key, and pins them. @param key empty if the user names the key. */
export function askForLimits(key: string, queue?: string): void {
  const known = state.snapshot?.keys?.find((each) => each.key === key && (!queue || each.queue === queue));
  const { concurrency = null, rate = null, period = null, ordered = false } = known ?? {};
  const optional = (field: Field): Field => ({ ...field, isOptional: true });
  ask({
    title: key ? "Change the limits" : "Set the limits of a key",
    queue,
    subject: known && html`<b>${key}</b> ${limitsOf(known)}`,
    text: "Pinned until you unpin them. Empty: no limit.",
    confirm: "Set limits",
    fields: [
      ...(key ? [] : [{ name: "key", label: "Key", example: "tenant-7" }]),
      optional({
        name: "concurrency",
        label: "Concurrency (jobs at once)",
        value: ordered ? "" : `${concurrency ?? ""}`,
        example: "2",
      }),
      optional({ name: "rate", label: "Rate (starts per period)", value: `${rate ?? ""}`, example: "100" }),
      optional({ name: "period", label: "Period", value: period === null ? "" : durationText(period), example: "1m" }),
      {
        name: "ordered",
        label: "Order",
        value: ordered ? "yes" : "",
        choices: [
          ["", "Any"],
          ["yes", "One at a time, in the order of enqueuing"],
        ],
      },
    ],
    async act({ key: named = key, concurrency, rate, period, ordered }) {
      const limits = {
        concurrency: numberIn(concurrency),
        rate: numberIn(rate),
        period: period || undefined,
        ordered: ordered === "yes" || undefined,
      };
      await act("PUT /flow-control/:key", { target: named, body: limits, queue });
      return `The limits of ${named} are set.`;
    },
  });
}

export function askToUnpin(key: string, queue?: string): void {
  ask({
    title: "Unpin the limits?",
    queue,
    subject: html`<b>${key}</b>`,
    text: "The next enqueue under this key sets others.",
    confirm: "Unpin",
    act: () =>
      act("DELETE /flow-control/:key", { target: key, queue }).then(() => `The limits of ${key} are no longer pinned.`),
  });
}
