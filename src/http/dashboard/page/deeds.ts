import { plural } from "./format.ts";
import { hrefTo } from "./parts.ts";
import { act, signIn, signOut } from "./requests.ts";
import { change, type Question, state } from "./store.ts";
import { look, lookAfterAct } from "./watch.ts";

// What buttons, boxes and forms do: the names stand in their `data-click` and so on, and what they do it with in `data-with`.

const encoded = encodeURIComponent;

/** Waits for what is being done, tells what became of it, and looks again. */
async function tell(work: Promise<unknown>, text: string): Promise<void> {
  const notice = await work.then(
    () => ({ text }),
    ({ message }: Error) => ({ text: message, isBad: true }),
  );
  change({ notice });
  await lookAfterAct();
}

/** The field of a form. */
const field = (form: HTMLElement, name: string): string | undefined =>
  new FormData(form as HTMLFormElement).get(name)?.toString();

const thisJob = () => state.snapshot?.job;

/** The dead jobs that are meant: the one that is looked at, or those that are selected. */
function selection(): object {
  const job = thisJob();
  if (job) return { ids: [job.id] };
  if (!state.isAllSelected) return { ids: [...state.selected] };
  return state.place.search ? { name: state.place.search } : { all: true };
}

/** Asks the handler how many it would be, and then the reader. */
async function askForDead(what: "retry" | "remove"): Promise<void> {
  const jobs = selection();
  const run = async (dryRun: boolean) => {
    const counts = await act<Record<string, number>>("POST", `dead-letter/${what}`, { ...jobs, dryRun });
    return plural(Object.values(counts)[0] ?? 0, "job");
  };
  const isRetry = what === "retry";
  try {
    const count = await run(true);
    ask({
      title: `${isRetry ? "Retry" : "Remove"} ${count}?`,
      text: isRetry
        ? `This would retry ${count}: as soon as can be, with all their retries.`
        : `This would remove ${count} for good, with their payloads.`,
      confirm: `${isRetry ? "Retry" : "Remove"} ${count}`,
      isDangerous: !isRetry,
      act: async () => `${await run(false)} ${isRetry ? "retried" : "removed"}.`,
    });
  } catch (error) {
    await tell(Promise.reject(error), "");
  }
}

function ask(question: Question): void {
  change({ question, refusal: undefined });
}

function askForPayload(): void {
  const { id = "", payload } = thisJob() ?? {};
  ask({
    title: "Retry with another payload",
    text: "The job runs as soon as can be, with all its retries.",
    confirm: "Retry",
    payload: JSON.stringify(payload, null, 2),
    act: (changed) =>
      act("POST", `dead-letter/${encoded(id)}/retry`, { payload: changed }).then(() => "1 job retried."),
  });
}

async function confirm(form: HTMLElement): Promise<void> {
  const { question } = state;
  const text = field(form, "payload");
  let payload: unknown;
  try {
    payload = text === undefined ? undefined : JSON.parse(text);
  } catch {
    return change({ refusal: "This is not valid JSON." });
  }
  try {
    const done = await question?.act(payload);
    change({ question: undefined, selected: new Set(), isAllSelected: false });
    await tell(Promise.resolve(), done ?? "");
  } catch (error) {
    change({ refusal: (error as Error).message });
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

/** What each deed is called, and does, with the text of `data-with` and the element. */
export const deeds: Readonly<Record<string, (text: string, element: HTMLElement) => unknown>> = {
  look,
  post: (path, { textContent }) => tell(act("POST", path), `${textContent}: done.`),
  run: () => tell(act("PATCH", `jobs/${encoded(state.place.id ?? "")}`, { delay: 0 }), "The job is due now."),
  edit: askForPayload,
  cancel: () =>
    ask({
      title: "Cancel this job?",
      text: "It will not run, and its payload is lost.",
      confirm: "Cancel the job",
      isDangerous: true,
      act: () => act("DELETE", `jobs/${encoded(state.place.id ?? "")}`).then(() => "The job is cancelled."),
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
    const { state: kind } = state.place;
    location.hash = hrefTo({ view: "jobs", state: kind, search: field(form, "search")?.trim() });
  },
  skip: () => document.querySelector("h1")?.focus(),
  "sign-in": async (_, form) => {
    try {
      await signIn(field(form, "token") ?? "");
      await lookAfterAct();
    } catch (error) {
      change({ refusal: (error as Error).message });
    }
  },
  "sign-out": () => signOut().finally(() => location.reload()),
};
