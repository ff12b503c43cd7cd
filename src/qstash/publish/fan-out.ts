import { AttemptContext } from "../../core/attempt/context.ts";
import { defineJob, type JobContext, type JobDefinition } from "../../core/job/define.ts";
import type { FlowControlOptions } from "../../core/job/flow-control.ts";
import { withInner } from "../../core/job/inner-options.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { inPieces, MOST_ENQUEUED_BYTES } from "../../core/shared/limits.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { OutOfBudgetError } from "../../core/store/meter.ts";
import type { Message } from "../messages/message.ts";
import { messageJob, storedJob } from "../messages/message-job.ts";
import { Documents } from "../shared/documents.ts";
import { type Endpoint, findGroup } from "./url-groups.ts";

/** The job that makes the messages of an occurrence, for schedules whose own job cannot be the message. */
export const FAN_OUT = "qstash_fan_out";

/** The payload of that job: a message of a schedule that goes to a URL group, or has a flow control key. */
export interface FanOut {
  readonly destination: { readonly url: string } | { readonly group: string };
  readonly message: Omit<Message, "url">;
  readonly retries?: number;
  readonly flowControl?: FlowControlOptions;
}

/** How long the job waits if the drain's budget has no room for its messages. */
const OUT_OF_BUDGET_MS = 1_000;

/** Defines the job. The ids of its messages come from its own id, so that a second attempt makes no second message. */
export function defineFanOut(): JobDefinition<FanOut> {
  const definition = {
    name: FAN_OUT,
    async perform(fanOut: FanOut, job: JobContext) {
      try {
        return { messages: await makeMessages(fanOut, job) };
      } catch (error) {
        if (error instanceof OutOfBudgetError) return job.snooze(OUT_OF_BUDGET_MS);
        throw error;
      }
    },
  };
  return defineJob(withInner(definition, { isOwn: true }));
}

async function makeMessages(fanOut: FanOut, job: JobContext): Promise<number> {
  const host = AttemptContext.hostOf(job);
  const { clock, store } = host.needs;
  const { hidden, occurrence } = host.job.record;
  const now = clock();
  const { message, retries, flowControl } = fanOut;
  const endpoints = await endpointsOf(fanOut, new Documents(host.needs));
  const jobs = endpoints.map(async (endpoint, index) => {
    const payload = { ...message, ...endpoint, ...(occurrence && { scheduleId: occurrence.key }) };
    const made = await messageJob(payload, { id: `${job.id}:${index}`, retries, flowControl });
    return storedJob(withInner(made, { hidden }), now);
  });
  for (const piece of inPieces(await Promise.all(jobs), ({ record }) => record, MOST_ENQUEUED_BYTES))
    await store.enqueue(piece, now);
  return jobs.length;
}

/** The endpoints of a destination. A removed group has none. */
async function endpointsOf({ destination }: FanOut, documents: Documents): Promise<readonly TopicPart[]> {
  if ("url" in destination) return [destination];
  const { group } = destination;
  try {
    return (await findGroup(documents, group)).endpoints.map((endpoint) => topicPart(group, endpoint));
  } catch (error) {
    if (isTidegateError(error) && error.code === "not_found") return [];
    throw error;
  }
}

export type TopicPart = Pick<Message, "url" | "topicName" | "endpointName">;

export function topicPart(topicName: string, { url, name }: Endpoint): TopicPart {
  return withoutUndefined({ url, topicName, endpointName: name });
}
