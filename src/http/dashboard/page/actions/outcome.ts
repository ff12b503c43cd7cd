import { isReservedName } from "../../../../core/job/reserved.ts";
import { refreshAfterAction } from "../state/polling.ts";
import { change, type Question, state } from "../state/state.ts";

/** Part of a path. */
export const encoded = encodeURIComponent;

/** Waits for an action, shows its outcome, and refreshes. */
export async function showOutcome(work: Promise<string>): Promise<void> {
  const notice = await work.then(
    (text) => ({ text }),
    ({ message }: Error) => ({ text: message, isBad: true }),
  );
  change({ notice: { ...notice, at: Date.now() } });
  await refreshAfterAction();
}

/** Asks the user before an action. */
export function ask(question: Question): void {
  change({ question, refusal: undefined, preview: undefined, progress: undefined });
}

/** The names of the jobs that users may enqueue. */
export const enqueuedNames = (): readonly string[] =>
  (state.snapshot?.names ?? []).filter((name) => !isReservedName(name));

/** What is written in the fields of a form. */
export const filledIn = (form: HTMLElement): Readonly<Record<string, string>> =>
  Object.fromEntries([...new FormData(form as HTMLFormElement)].map(([name, value]) => [name, String(value).trim()]));

/** Reads a payload that was typed. The browser's own message says what is wrong with it, and where. @throws {Error} */
export function typedPayload(text = ""): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch (error) {
    throw new Error(`The payload is not JSON. ${(error as Error).message}`);
  }
}

/** Shows another view, and returns once it is on screen: a notice then belongs to it. */
export async function goTo(hash: string): Promise<void> {
  if (location.hash === hash) return;
  const isThere = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  location.hash = hash;
  await isThere;
}
