import { AttemptContext } from "../../core/attempt/context.ts";
import { defineJob, type JobContext, type JobDefinition } from "../../core/job/define.ts";
import { withInner } from "../../core/job/inner-options.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { inPieces, MOST_ENQUEUED_BYTES } from "../../core/shared/limits.ts";
import { OutOfBudgetError } from "../../core/store/meter.ts";
import type { Message } from "../messages/message.ts";
import { messageJob, storedJob } from "../messages/message-job.ts";
import { Documents } from "../shared/documents.ts";
import { partsOf, type TopicPart } from "./url-groups.ts";

/**
 * The job that makes the messages of an occurrence, for a schedule whose own job cannot be the message: because it goes
 * to a URL group, or has limits. Its payload is the message, with the destination as its URL.
 */
export const FAN_OUT = "qstash_fan_out";

/** How long the job waits if the drain's budget has no room for its messages. */
const OUT_OF_BUDGET_MS = 1_000;

/** Defines the job. The ids of its messages come from its own id, so that a second attempt makes no second message. */
export function defineFanOut(): JobDefinition<Message> {
  const definition = {
    name: FAN_OUT,
    async perform(message: Message, job: JobContext) {
      try {
        return { messages: await makeMessages(message, job) };
      } catch (error) {
        if (error instanceof OutOfBudgetError) return job.snooze(OUT_OF_BUDGET_MS);
        throw error;
      }
    },
  };
  return defineJob(withInner(definition, { isOwn: true }));
}

async function makeMessages(message: Message, job: JobContext): Promise<number> {
  const host = AttemptContext.hostOf(job);
  const { clock, store } = host.needs;
  const { hidden, occurrence } = host.job.record;
  const now = clock();
  const endpoints = await endpointsOf(message.url, new Documents(host.needs));
  const jobs = endpoints.map(async (endpoint, index) => {
    const payload = { ...message, ...endpoint, ...(occurrence && { scheduleId: occurrence.key }) };
    const made = await messageJob(payload, { id: `${job.id}:${index}`, retries: message.schedule?.retries });
    return storedJob(withInner(made, { hidden }), now);
  });
  for (const piece of inPieces(await Promise.all(jobs), ({ record }) => record, MOST_ENQUEUED_BYTES))
    await store.enqueue(piece, now);
  return jobs.length;
}

/** The endpoints of a destination. A removed group has none. */
async function endpointsOf(destination: string, documents: Documents): Promise<readonly TopicPart[]> {
  try {
    return await partsOf(documents, destination);
  } catch (error) {
    if (isTidegateError(error) && error.code === "not_found") return [];
    throw error;
  }
}
