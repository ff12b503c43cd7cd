import type { FailureGroup } from "../../../../core/manage/failures.ts";
import type { JobInfo } from "../../../../core/manage/job-info.ts";
import type { Json } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { number } from "./format.ts";

// The jobs that a dialog is about, so that nobody confirms it for others.

export const aboutJob = ({ name, id }: Pick<JobInfo, "name" | "id">): Html => html`<b>${name}</b> <code>${id}</code>`;

export const aboutGroup = ({ name, error }: Pick<Json<FailureGroup>, "name" | "error">): Html =>
  html`<b>${name}</b> <span class="dead error">${error.name}: ${error.message}</span>`;

/** How many job types a dialog lists. */
const MOST_NAMES = 4;

/** The job on screen, or the selected ones: how many of each type. */
export function aboutSelection(): Html {
  const { snapshot, selected, isAllSelected, route } = state;
  const { job, jobs } = snapshot ?? {};
  if (job) return aboutJob(job);
  const rows = jobs?.rows.filter(({ id }) => isAllSelected || selected.has(id)) ?? [];
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
