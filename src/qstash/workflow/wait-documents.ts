import { sha256, toBase64Url } from "../../core/shared/bytes.ts";
import type { Documents } from "../shared/documents.ts";
import type { Step } from "./run.ts";

/** How long an event is kept for a run that does not wait for it yet. */
const EVENT_KEPT_MS = 30 * 86_400_000;

const WAITS = "workflow-wait";

export interface Wait {
  readonly step: Step;
  readonly url: string;
  /** ms since 1970 */
  readonly deadline: number;
  readonly state: "waiting" | "notified" | "timed out";
}

/** The waits of a run for an event, and its saved events. */
export interface RunWaits {
  readonly eventId: string;
  readonly runId: string;
  readonly waits: readonly Wait[];
  /** Events that came before a step waited for them, as base64, and the step that took each. */
  readonly saved: readonly { readonly data: string; readonly takenBy?: number }[];
  /** Whether the event comes from a webhook of the run. */
  readonly isWebhook?: true;
}

/** The waits of runs for events. Each run and event has one document, so an event and a wait never miss each other. */
export class Waits {
  readonly #documents: Documents;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** Lets a step wait, once. @returns the wait, or the data of an event that came before, as base64. */
  async add(eventId: string, runId: string, wait: Wait, now: number): Promise<Wait | string> {
    const { stepId } = wait.step;
    let result: Wait | string = wait;
    await this.#update(eventId, runId, now, (current) => {
      const known = current.waits.find(({ step }) => step.stepId === stepId);
      const taken = current.saved.find(({ takenBy }) => takenBy === stepId);
      const free = current.saved.find(({ takenBy }) => takenBy === undefined);
      result = known ?? (taken ?? free)?.data ?? wait;
      if (known || taken) return undefined;
      if (!free) return { ...current, waits: [...current.waits, wait] };
      const saved = current.saved.map((event) => (event === free ? { ...event, takenBy: stepId } : event));
      return { ...current, saved };
    });
    return result;
  }

  /** If an event and the deadline race, the first to change the document wins. @returns whether it ended `by` this. */
  async end(name: string, stepId: number, by: Exclude<Wait["state"], "waiting">, now: number): Promise<boolean> {
    let hasEndedSo = true;
    await this.#change(name, undefined, now, (current) => {
      const { state } = current.waits.find(({ step }) => step.stepId === stepId) ?? { state: by };
      hasEndedSo = state === "waiting" || state === by;
      if (state !== "waiting") return undefined;
      const waits = current.waits.map((wait) => (wait.step.stepId === stepId ? { ...wait, state: by } : wait));
      return { ...current, waits };
    });
    return hasEndedSo;
  }

  async addWebhook(eventId: string, runId: string, now: number): Promise<void> {
    await this.#update(eventId, runId, now, (current) =>
      current.isWebhook ? undefined : { ...current, isWebhook: true },
    );
  }

  /** Whether an event comes from a webhook of a run. Costs one command. */
  async isWebhook(eventId: string, runId: string): Promise<boolean> {
    const found = await this.#documents.get<RunWaits>(WAITS, await waitsName(eventId, runId));
    return found?.value.isWebhook === true;
  }

  /** Saves an event for a run. @returns false if the run waits for it by now */
  async save(eventId: string, runId: string, data: string, now: number): Promise<boolean> {
    let isSaved = true;
    await this.#update(eventId, runId, now, (current) => {
      isSaved = !current.waits.some(({ state }) => state === "waiting");
      return isSaved ? { ...current, saved: [...current.saved, { data }] } : undefined;
    });
    return isSaved;
  }

  async waitingFor(eventId: string, runId?: string): Promise<readonly RunWaits[]> {
    const found = await this.#documents.all<RunWaits>(WAITS, await waitsName(eventId, runId ?? ""));
    // The ids of other runs may begin with the id of this one.
    return found.flatMap(({ value }) => (runId === undefined || value.runId === runId ? value : []));
  }

  async #update(eventId: string, runId: string, now: number, change: Change): Promise<void> {
    await this.#change(await waitsName(eventId, runId), { eventId, runId, waits: [], saved: [] }, now, change);
  }

  async #change(name: string, initial: RunWaits | undefined, now: number, change: Change): Promise<void> {
    await this.#documents.update<RunWaits>(WAITS, name, (current = initial) => {
      const value = current && change(current);
      const ttl = Math.max(0, ...(value?.waits ?? []).map(({ deadline }) => deadline - now)) + EVENT_KEPT_MS;
      return value && { value, ttl };
    });
  }
}

/** Returns undefined to change nothing. */
type Change = (current: RunWaits) => RunWaits | undefined;

/** The name of a document of waits. Event ids may contain any characters. */
export async function waitsName(eventId: string, runId: string): Promise<string> {
  return `${toBase64Url(await sha256(eventId))}/${runId}`;
}
