import type { OperationAddress } from "../../../../contract/operations.ts";
import { followLive, refresh, refreshAfterAction } from "../state/polling.ts";
import { act, signIn, signOut } from "../state/requests.ts";
import type { Route } from "../state/route.ts";
import { searchOn } from "../state/search.ts";
import { chooseNext, type Setting } from "../state/settings.ts";
import { type ActionName, change, state } from "../state/state.ts";
import { hrefTo, maySelect } from "../views/parts.ts";
import { askForChildren, askForDead, askForNewestPayload, askForPayload, askForType } from "./dead-letter.ts";
import { askForLimits, askToUnpin } from "./flow.ts";
import {
  askToCancel,
  askToCancelType,
  askToEnqueue,
  askToReschedule,
  askToRun,
  askToSignal,
  askToStop,
  copyOfJob,
  runNow,
} from "./jobs.ts";
import { askAboutJob, filledIn, showOutcome } from "./outcome.ts";
import { askForSchedule, askToPause, askToRemoveSchedule, previewSchedule } from "./schedules.ts";

// What buttons, boxes and forms do. An element has the argument of its action in `data-with`.

/** Does what the question asks. If the user closes it meanwhile, a notice still shows the outcome. */
async function confirm(form: HTMLElement): Promise<void> {
  const { question } = state;
  if (!question) return;
  change({ isActing: true });
  const work = question.act(filledIn(form));
  const refusal = await work.then(
    () => undefined,
    ({ message }: Error) => message,
  );
  const isOpen = state.question === question;
  change({ isActing: false });
  if (isOpen && refusal !== undefined) {
    change({ refusal });
    form.querySelector<HTMLElement>("[aria-invalid]")?.focus();
    return;
  }
  if (isOpen) change({ question: undefined });
  change({ selected: new Set(), isAllSelected: false });
  const { leadsTo, removes } = question;
  await showOutcome(work, { ...(leadsTo && { leadsTo: leadsTo() }), removes });
}

function select(ids: readonly string[], selectedIn: string | undefined, box: HTMLElement): void {
  const selected = new Set(state.selected);
  for (const id of ids) {
    if ((box as HTMLInputElement).checked) selected.add(id);
    else selected.delete(id);
  }
  change({ selected, selectedIn, isAllSelected: false });
}

type Action = (text: string, queue: string | undefined, element: HTMLElement, event: Event) => unknown;

/** Asks for an operation at once, of what `data-with` names. @param done what is so then */
const atOnce =
  (address: OperationAddress, done: string): Action =>
  (of, queue, _, event) =>
    isRepeated(event) || showOutcome(act(address, { target: of, queue }).then(() => `${of} ${done}.`));

/** Whether it is the second click of a double click. */
const isRepeated = (event: Event): boolean => (event as UIEvent).detail > 1;

/** Another queue does not have the same job or job type. */
const others: Readonly<Record<string, Route["view"]>> = { job: "jobs", type: "names" };

/** Shows the values of one point of a chart. @param text the name of its points, and how many they are: "minutes 60" */
function readChart(text: string, at: number): void {
  const [points = "", count] = text.split(" ");
  change({ charts: { ...state.charts, [points]: Math.max(0, Math.min(Number(count) - 1, at)) } });
}

/** Every action by its name. It gets the text of `data-with`, the queue of the row, the element and the event. */
export const actions: Readonly<Record<ActionName, Action>> = {
  refresh,
  pause: (queue) => askToPause("queue", "POST /pause", queue, queue),
  resume: atOnce("POST /resume", "is running again"),
  "pause-key": (key, queue) => askToPause("key", "POST /flow-control/:key/pause", key, queue),
  "pause-type": (name, queue) => askToPause("type", "POST /job-types/:name/pause", name, queue),
  resumeJobs: atOnce("POST /job-types/:name/resume", "is running again"),
  pauseSchedule: atOnce("POST /schedules/:key/pause", "is paused"),
  resumeSchedule: atOnce("POST /schedules/:key/resume", "is running again"),
  runSchedule: atOnce("POST /schedules/:key/run", "has enqueued a job"),
  resumeFlowControlKey: atOnce("POST /flow-control/:key/resume", "is running again"),
  run: (_, __, ___, event) => isRepeated(event) || showOutcome(runNow()),
  "run-selected": askToRun,
  reschedule: askToReschedule,
  cancel: askToCancel,
  "cancel-type": askToCancelType,
  stop: askToStop,
  signal: askToSignal,
  enqueue: () => askToEnqueue(),
  again: () => askAboutJob(askToEnqueue),
  edit: () => askAboutJob(askForPayload),
  retry: (_, queue) => askForDead("retry", undefined, queue),
  remove: (_, queue) => askForDead("remove", undefined, queue),
  "retry-children": askForChildren,
  "retry-type": askForType,
  "retry-group": (group, queue) => askForDead("retry", { group }, queue),
  "remove-group": (group, queue) => askForDead("remove", { group }, queue),
  "edit-newest": askForNewestPayload,
  limits: askForLimits,
  unpin: askToUnpin,
  schedule: askForSchedule,
  unschedule: askToRemoveSchedule,
  preview: (_, __, input) => previewSchedule(input),
  confirm: (_, __, form) => confirm(form),
  choose: (_, __, list) => change({ chosen: filledIn(list.closest("form") as HTMLElement) }),
  leave: () => change({ question: undefined, isHelp: false, notice: undefined, searching: undefined }),
  copy: copyOfJob,
  "search-all": searchOn,
  help: () => change({ isHelp: true }),
  setting: (name) => {
    chooseNext(name as Setting);
    change({});
    if (name === "live") followLive();
  },
  open: (_, __, row) => row.querySelector("a")?.click(),
  select: (id, queue, box) => select([id], queue, box),
  "select-page": (_, __, box) => {
    const rows = state.snapshot?.jobs?.rows.filter(maySelect) ?? [];
    const ids = rows.map(({ id }) => id);
    select(ids, rows[0]?.queue, box);
  },
  "select-all": () => change({ isAllSelected: true }),
  sort: (sort) => {
    location.hash = hrefTo({ ...state.route, sort });
  },
  switch: (_, __, list) => {
    const { view, state: kind, range } = state.route;
    const queue = (list as HTMLSelectElement).value;
    // No queue has this name.
    const isAll = queue === "/";
    const first = isAll ? "queues" : "overview";
    const to = view === "queues" || view === "overview" ? first : (others[view] ?? view);
    location.hash = hrefTo({ view: to, state: kind, range, ...(isAll ? { scope: "all" } : { queue }) });
  },
  read(text, _, chart, event) {
    const { left, width } = chart.getBoundingClientRect();
    const at = Math.floor((((event as PointerEvent).clientX - left) / width) * Number(text.split(" ")[1]));
    readChart(text, at);
  },
  /** The slider below a chart, for use without a mouse. */
  point: (text, _, slider) => readChart(text, Number((slider as HTMLInputElement).value)),
  find: (_, __, form) => {
    const scope = state.snapshot?.queues[1] && "all";
    location.hash = hrefTo({ view: "jobs", ...filledIn(form), ...(scope && { scope }) });
  },
  "search-in": (_, __, list) => {
    if (state.route.search) list.closest("form")?.requestSubmit();
  },
  search: (_, __, form) => {
    const { view, state: kind } = state.route;
    const { search, by } = filledIn(form);
    location.hash = hrefTo({ view, state: kind, search, by });
  },
  skip: () => document.querySelector("h1")?.focus(),
  "sign-in": async (_, __, form) => {
    try {
      await signIn(filledIn(form)["token"] ?? "");
      change({ refusal: undefined });
      await refreshAfterAction();
    } catch (error) {
      change({ refusal: (error as Error).message });
    }
  },
  "sign-out": () => signOut().finally(() => location.reload()),
};
