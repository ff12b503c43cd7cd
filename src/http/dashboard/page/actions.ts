import { refresh, refreshAfterAction } from "./state/polling.ts";
import { act, signIn, signOut } from "./state/requests.ts";
import { change, type Question, state } from "./state/state.ts";
import { plural } from "./views/format.ts";
import { hrefTo } from "./views/parts.ts";

// What buttons, boxes and forms do. Elements name an action in `data-click`, `data-change` or `data-submit`, and its argument
// in `data-with`.

const encoded = encodeURIComponent;

/** Waits for an action, shows its outcome, and refreshes. */
async function showOutcome(work: Promise<string>): Promise<void> {
  const notice = await work.then(
    (text) => ({ text }),
    ({ message }: Error) => ({ text: message, isBad: true }),
  );
  change({ notice: { ...notice, at: Date.now() } });
  await refreshAfterAction();
}

/** The field of a form. */
const field = (form: HTMLElement, name: string): string | undefined =>
  new FormData(form as HTMLFormElement).get(name)?.toString();

const thisJob = () => state.snapshot?.job;

/** The dead jobs to act on: the one on screen, or the selected ones. */
function selection(): object {
  const job = thisJob();
  if (job) return { ids: [job.id] };
  if (!state.isAllSelected) return { ids: [...state.selected] };
  return state.route.search ? { name: state.route.search } : { all: true };
}

/** Asks the handler how many jobs it would affect, then asks the user. */
async function askForDead(what: "retry" | "remove"): Promise<void> {
  const jobs = selection();
  const run = async (dryRun: boolean) => {
    const counts = await act<Record<string, number>>("POST", `dead-letter/${what}`, { ...jobs, dryRun });
    return plural(Object.values(counts)[0] ?? 0, "job");
  };
  const isRetry = what === "retry";
  const verb = isRetry ? "Retry" : "Remove";
  try {
    const count = await run(true);
    ask({
      title: `${verb} ${count}?`,
      text: isRetry
        ? `This would retry ${count}: as soon as possible, with all their retries.`
        : `This would remove ${count} for good, with their payloads.`,
      confirm: `${verb} ${count}`,
      isDangerous: !isRetry,
      act: async () => `${await run(false)} ${isRetry ? "retried" : "removed"}.`,
    });
  } catch (error) {
    await showOutcome(Promise.reject(error));
  }
}

function ask(question: Question): void {
  change({ question, refusal: undefined });
}

function askForPayload(): void {
  const { id = "", payload } = thisJob() ?? {};
  ask({
    title: "Retry with another payload",
    text: "The job runs as soon as possible, with all its retries.",
    confirm: "Retry",
    payload: JSON.stringify(payload, null, 2),
    // The browser's own message says what is wrong with invalid JSON, and where.
    act: async (text) => {
      await act("POST", `dead-letter/${encoded(id)}/retry`, { payload: JSON.parse(text) });
      return "1 job retried.";
    },
  });
}

async function confirm(form: HTMLElement): Promise<void> {
  change({ isActing: true });
  try {
    const done = await state.question?.act(field(form, "payload") ?? "");
    change({ question: undefined, isActing: false, selected: new Set(), isAllSelected: false });
    await showOutcome(Promise.resolve(done ?? ""));
  } catch (error) {
    change({ refusal: (error as Error).message, isActing: false });
  }
}

function select(ids: readonly string[], isOn: boolean): void {
  const selected = new Set(state.selected);
  for (const id of ids) {
    if (isOn) selected.add(id);
    else selected.delete(id);
  }
  change({ selected, isAllSelected: false });
}

/** Every action by its name. It gets the text of `data-with` and the element. */
export const actions: Readonly<Record<string, (text: string, element: HTMLElement) => unknown>> = {
  refresh,
  post: (path, { ariaLabel }) => showOutcome(act("POST", path).then(() => `${ariaLabel}: done.`)),
  run: () =>
    showOutcome(act("PATCH", `jobs/${encoded(state.route.id ?? "")}`, { delay: 0 }).then(() => "The job is due now.")),
  edit: askForPayload,
  cancel: () =>
    ask({
      title: "Cancel this job?",
      text: "It will not run, and its payload is deleted.",
      confirm: "Cancel the job",
      isDangerous: true,
      act: () => act("DELETE", `jobs/${encoded(state.route.id ?? "")}`).then(() => "The job is cancelled."),
    }),
  retry: () => askForDead("retry"),
  remove: () => askForDead("remove"),
  confirm: (_, form) => confirm(form),
  leave: () => change({ question: undefined }),
  select: (id, box) => select([id], (box as HTMLInputElement).checked),
  "select-page": (_, box) =>
    select(state.snapshot?.jobs?.rows.map(({ id }) => id) ?? [], (box as HTMLInputElement).checked),
  "select-all": () => change({ isAllSelected: true }),
  search: (_, form) => {
    const { view, state: kind } = state.route;
    location.hash = hrefTo({ view, state: kind, search: field(form, "search")?.trim() });
  },
  skip: () => document.querySelector("h1")?.focus(),
  "sign-in": async (_, form) => {
    try {
      await signIn(field(form, "token") ?? "");
      change({ refusal: undefined });
      await refreshAfterAction();
    } catch (error) {
      change({ refusal: (error as Error).message });
    }
  },
  "sign-out": () => signOut().finally(() => location.reload()),
};
