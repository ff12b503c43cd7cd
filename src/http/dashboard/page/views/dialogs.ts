import type { FailureGroup } from "../../../../core/manage/failures.ts";
import type { JobInfo } from "../../../../core/manage/job-info.ts";
import type { Json } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { root } from "../state/requests.ts";
import { type ActionName, type ChosenText, type Field, type Question, state } from "../state/state.ts";
import { moment, number } from "./format.ts";
import { button, isSelected } from "./parts.ts";

const dialog = (title: string, content: Html): Html =>
  html`<dialog aria-label="${title}"><h2>${title}</h2>${content}</dialog>`;

const refusal = (): Html => html`<p class="dead error" role="alert" id="refusal">${state.refusal}</p>`;

/** The field that the refusal names first. */
function fieldAtFault(fields: readonly Field[] = []): Field | undefined {
  const { refusal = "" } = state;
  const indexOf = ({ name }: Field) => refusal.search(new RegExp(`\\b${name}\\b`));
  return fields.filter((field) => indexOf(field) >= 0).sort((one, other) => indexOf(one) - indexOf(other))[0];
}

export function questionDialog({ title, queue, subject, text, confirm, fields, isDangerous }: Question): Html {
  const wrong = fieldAtFault(fields);
  const said = (by: ChosenText) => (typeof by === "string" ? by : by(state.chosen ?? {}));
  return dialog(
    said(title),
    html`<form data-submit="${"confirm" satisfies ActionName}">${subject && html`<div class="subject">${subject}</div>`}<p>${queue && html`Queue <b>${queue}</b>. `}${said(text)}</p>
${fields?.map((field) => html`${input(field, field === wrong)}${field === wrong && refusal()}`)}${preview()}
${!wrong && refusal()}<div class="row buttons"><span role="status">${state.progress}</span>${state.share !== undefined && html`<progress value="${state.share}" max="1" aria-label="Progress"></progress>`}${button(state.isActing && state.progress ? "Stop" : "Go back", "leave")}<button class="primary ${isDangerous && "dead"}" disabled="${state.isActing}">${said(confirm)}</button></div></form>`,
  );
}

function input(field: Field, isWrong: boolean): Html {
  const { name, label, value, isLong, isOptional, choices, example, options, isPreviewed } = field;
  const changed: ActionName | undefined | false = isPreviewed && "preview";
  const reason = isWrong && "refusal";
  if (choices)
    return html`<label>${label}<select name="${name}" data-change="${"choose" satisfies ActionName}">${choices.map(([of, text]) => html`<option value="${of}" selected="${of === value}">${text}</option>`)}</select></label>`;
  if (isLong)
    return html`<label>${label}<textarea name="${name}" rows="8" spellcheck="false" aria-invalid="${isWrong && "true"}" aria-describedby="${reason}">${value}</textarea></label>`;
  return html`<label>${label}<input name="${name}" value="${value}" placeholder="${example}" list="${options && `of-${name}`}" required="${!isOptional}" autocomplete="off" spellcheck="false" data-input="${changed}" aria-invalid="${isWrong && "true"}" aria-describedby="${reason}"/></label>
${options && html`<datalist id="of-${name}">${options.map((each) => html`<option value="${each}"></option>`)}</datalist>`}`;
}

function preview(): Html {
  const { words, occurrences, error, timeZone } = state.preview ?? { occurrences: [] };
  return html`<div class="muted" role="status">${words && html`<p>${words}</p>`}${error}
<ol>${occurrences.map((at) => html`<li>${moment(at, timeZone)}</li>`)}</ol></div>`;
}

/** The views with a link, each with the key that shows it after "g", and its name. */
export const places = [
  ["o", "overview", "Overview"],
  ["f", "failures", "Failures"],
  ["j", "jobs", "Jobs"],
  ["t", "names", "Job types"],
  ["s", "schedules", "Schedules"],
  ["n", "upcoming", "Next hour"],
  ["c", "flow", "Flow control"],
  ["h", "changes", "Changes"],
] as const;

export const helpDialog = (): Html =>
  dialog(
    "Keys",
    html`<dl>${[
      ["/", "Search"],
      ["j, k", "Next row, previous row"],
      ["Enter", "Open the row"],
      ["x", "Select the row"],
      ["r", "Refresh now"],
      ["g", `Then ${places.map(([letter, , name]) => `${letter}: ${name.toLowerCase()}`).join(", ")}, q: all queues`],
      ["?", "Show these keys"],
      ["Esc", "Close"],
    ].map(
      ([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`,
    )}</dl><p class="row buttons">${button("Close", "leave")}</p>`,
  );

/**
 * Asks for a token. The first time, the browser submits the form, so that it can save the token, and returns to the
 * same URL. When a session has ended, the page submits it and keeps its state.
 */
export function signInDialog(isAgain: boolean): Html {
  const form = html`<form method="post" action="${root}dashboard/sign-in${location.hash}" data-submit="${isAgain && ("sign-in" satisfies ActionName)}">
<label>Token<input type="password" name="token" required="${true}" autofocus="${true}" autocomplete="current-password"/></label>${refusal()}
<p><small>A token with the scope admin or read.</small></p>
<button class="primary">Sign in</button></form>`;
  if (isAgain) return dialog("Your session has ended", form);
  return html`<main class="card"><h1>Sign in to Tidegate</h1>${form}</main>`;
}

// The jobs that a dialog is about, so that nobody confirms it for others.

export const aboutJob = ({ name, id }: Pick<JobInfo, "name" | "id">): Html => html`<b>${name}</b> <code>${id}</code>`;

export const aboutGroup = ({ name, error }: Pick<Json<FailureGroup>, "name" | "error">): Html =>
  html`<b>${name}</b> <span class="dead error">${error.name}: ${error.message}</span>`;

const MOST_NAMES = 4;

/** The job on screen, or the selected ones: how many of each type. */
export function aboutSelection(): Html {
  const { snapshot, isAllSelected, route } = state;
  const { job, jobs } = snapshot ?? {};
  if (job) return aboutJob(job);
  const rows = jobs?.rows.filter(isSelected) ?? [];
  const [first] = rows;
  if (first && rows.length === 1) return aboutJob(first);
  if (isAllSelected && route.group && first?.error) return aboutGroup({ name: first.name, error: first.error });
  if (isAllSelected) {
    return html`All ${route.state} jobs${route.search && html` named <b>${route.search}</b>`} in the queue <b>${snapshot?.queue}</b>`;
  }
  const names = [...new Set(rows.map(({ name }) => name))];
  const count = (of: string) => rows.filter(({ name }) => name === of).length;
  const shown = names
    .slice(0, MOST_NAMES)
    .map((name, index) => html`${index > 0 && ", "}<b>${name}</b> (${number(count(name))})`);
  return html`${shown}${names.length > MOST_NAMES && `, and ${names.length - MOST_NAMES} more job types`}`;
}
