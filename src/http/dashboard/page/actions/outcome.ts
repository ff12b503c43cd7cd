import type { OperationAddress } from "../../../../contract/operations.ts";
import { isReservedName } from "../../../../core/job/reserved.ts";
import type { JobInfo } from "../../../../core/manage/job-info.ts";
import type { Json } from "../../snapshot.ts";
import type { Html } from "../dom/html.ts";
import { refreshAfterAction, refreshSoon } from "../state/polling.ts";
import { act } from "../state/requests.ts";
import { change, type Field, type Question, state } from "../state/state.ts";
import { number, plural } from "../views/format.ts";

export const isDuration = (text: string): boolean => /^\d+(\.\d+)?\s*[a-z]+$/i.test(text);

/** Asks the user about the job on screen, with all of its payload. */
export async function askAboutJob(about: (job: Json<JobInfo>) => void): Promise<void> {
  const { job } = state.snapshot ?? {};
  if (!job) return;
  await refusalShown(async () =>
    about(job.beginnings?.payload ? await act<Json<JobInfo>>("GET /jobs/:id", { target: job.id }) : job),
  );
}

/** Prepares a question to the user, and shows the refusal if that fails. */
export async function refusalShown(prepare: () => Promise<void>): Promise<void> {
  await prepare().catch((error) => showOutcome(Promise.reject(error)));
}

/** Waits for an action, shows its outcome, and refreshes unless it is known what is left. */
export async function showOutcome(
  work: Promise<string>,
  { leadsTo, removes }: { readonly leadsTo?: Html; readonly removes?: string | undefined } = {},
): Promise<void> {
  const notice = await work.then(
    (text) => ({ text, leadsTo, isBad: false }),
    ({ message }: Error) => ({ text: message, isBad: true }),
  );
  const { snapshot } = state;
  const isGone = !notice.isBad && snapshot?.job && snapshot.job.id === removes;
  change({ notice: { ...notice, at: Date.now() }, ...(isGone && { snapshot: { ...snapshot, job: null } }) });
  if (isGone) refreshSoon();
  else await refreshAfterAction();
}

export function ask(question: Question): void {
  change({
    ...{ question, chosen: undefined, refusal: undefined },
    ...{ preview: undefined, progress: undefined, share: undefined },
  });
}

/** What one of several calls that change many jobs has changed, or counted. */
interface Changed {
  readonly cancelled?: number;
  readonly rescheduled?: number;
  readonly retried?: number;
  readonly removed?: number;
  readonly runAt?: string;
  /** Until when a count holds. */
  readonly before?: string;
  readonly cursor?: string | null;
}

type ChangeOfMany = `POST /${"jobs" | "dead-letter"}/${"cancel" | "reschedule" | "retry" | "remove"}` &
  OperationAddress;

/** Changes many jobs, some in each call, until the user closes the dialog. @param total for the bar; 0 if unknown */
export async function changeMany(address: ChangeOfMany, body: object, total = 0, queue?: string) {
  const { question } = state;
  let changed = 0;
  let next: object = {};
  for (;;) {
    const response = await act<Changed>(address, { body: { ...body, ...next }, queue }).catch(({ message }: Error) => {
      throw new Error(changed > 0 ? `${message} ${plural(changed, "job")} had been changed before.` : message);
    });
    const { cancelled, rescheduled, retried, removed, runAt, before, cursor = null } = response;
    changed += cancelled ?? rescheduled ?? retried ?? removed ?? 0;
    const isStopped = cursor !== null && state.question !== question;
    if (cursor === null || isStopped) return { changed, isStopped, before };
    next = { ...(runAt && { runAt, delay: undefined }), cursor };
    change({ progress: `${number(changed)} done so far.`, share: total > 0 ? changed / total : undefined });
  }
}

/** The names of the jobs that users may enqueue. */
export const enqueuedNames = (): readonly string[] =>
  (state.snapshot?.names ?? []).filter((name) => !isReservedName(name));

export const filledIn = (form: HTMLElement): Readonly<Record<string, string>> =>
  Object.fromEntries([...new FormData(form as HTMLFormElement)].map(([name, value]) => [name, String(value).trim()]));

export const payloadField = (payload: unknown): Field => ({
  ...{ name: "payload", label: "Payload, as JSON", isLong: true },
  value: JSON.stringify(payload, null, 2),
});

/** Reads a typed payload. The browser's own message says what is wrong with it, and where. @throws {Error} */
export function typedPayload(text = "", what = "payload"): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch (error) {
    throw new Error(`The ${what} is not JSON. ${(error as Error).message}`);
  }
}

/** Shows another view, and returns once it is on screen, so that a notice appears there. */
export async function goTo(hash: string): Promise<void> {
  if (location.hash === hash) return;
  const isThere = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  location.hash = hash;
  await isThere;
}
