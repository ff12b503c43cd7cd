import { AttemptContext } from "../core/attempt/context.ts";
import { type AnyJob, defineJob, type JobContext } from "../core/job/define.ts";
import { definedByInterface } from "../core/job/of-interface.ts";
import { own } from "../core/job/reserved.ts";
import type { StoredMessage } from "./message.ts";
import type { Target } from "./target.ts";

/** The job that sends a message to one receiver. */
export const ALERT = `${own.name}alert`;

/** It is tried for about a day: after 30 s, 1 minute and so on, then each hour. */
const RETRIES = 30;
const BACKOFF = { type: "exponential", base: "30s", max: "1h", jitter: 0.1 } as const;

export interface AlertPayload {
  /** The name of the alert. */
  readonly alert: string;
  readonly message: StoredMessage;
  /** For how many hours the silence had lasted that this message ends. Only after the first is it sent. */
  readonly silentHours?: number;
}

export const refusedCorrection = () => "The payload of this job cannot be changed: Tidegate makes it.";

export function defineAlert(targets: readonly Target[]): AnyJob {
  const perform = async ({ alert, message, silentHours = 0 }: AlertPayload, job: JobContext) => {
    if (silentHours > 0) return;
    const target = targets.find(({ name }) => name === alert);
    if (!target) throw new Error(`No alert is named "${alert}" in this deployment. Add it to the alerts of the queue.`);
    const now = AttemptContext.hostOf(job).needs.clock();
    await target.send(message, { queue: job.queue, id: job.id, now, signal: job.signal });
  };
  const definition = { name: ALERT, maxRetries: RETRIES, backoff: BACKOFF, timeout: "15s", perform } as const;
  return defineJob(definedByInterface(definition, refusedCorrection));
}
