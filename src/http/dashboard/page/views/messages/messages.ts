import type { JobState } from "../../../../../core/store/store.ts";
import type { Json, Snapshot } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { state } from "../../state/state.ts";
import { list } from "../jobs/jobs.ts";
import { empty, heading, link, searchForm, stateText } from "../parts.ts";
import { eventTable } from "./message.ts";

const states: readonly (JobState | undefined)[] = [undefined, "scheduled", "ready", "running", "completed", "dead"];

export function messages(snapshot: Json<Snapshot>): Html {
  const { kind, state: shown, search } = state.route;
  const { jobs, events, groups, isQStash } = snapshot;
  const tab = (text: string, to: object, isHere: boolean) => link({ view: "messages", ...to }, text, isHere);
  return html`${heading("Messages")}${!kind && searchForm("Search messages", undefined, "URL, id, label, flow key or response.")}
<nav class="row tabs" aria-label="Messages">${states.map((each) => tab(each ? stateText(each) : search ? "all" : "latest", { state: each, search }, !kind && each === shown))}
${isQStash && html`${tab("events", { kind: "events" }, kind === "events")}${tab("URL groups", { kind: "groups" }, kind === "groups")}`}</nav>
${jobs && list(jobs, snapshot)}${events !== undefined && (events ? log(events) : notKept)}${groups && urlGroups(groups)}`;
}

const notKept = empty(
  "Events are not kept",
  html`Keep them with <code>createQStash({ events: { retention: "3d" }, ... })</code>. Each costs five commands.`,
);

function log({ events, cursor }: NonNullable<Json<Snapshot>["events"]>): Html {
  const { route } = state;
  if (!events[0]) return empty("No events", "The events of messages appear here, the newest first.");
  return html`${eventTable(events, true)}<nav class="row" aria-label="Pages">${route.after && link({ ...route, after: undefined }, "Newest events")}
${cursor && link({ ...route, after: cursor }, "Older events")}</nav>`;
}

const urlGroups = (groups: NonNullable<Json<Snapshot>["groups"]>): Html =>
  groups[0]
    ? html`${groups.map(
        ({ name, endpoints }) =>
          html`<section class="card" data-key="${name}"><h2>${name}</h2>${endpoints.map(({ url, name: of }) => html`<p><code>${url}</code> <small>${of}</small></p>`)}</section>`,
      )}`
    : empty("No URL groups", "A message to a URL group goes to all of its endpoints. Programs make them with the SDK.");
