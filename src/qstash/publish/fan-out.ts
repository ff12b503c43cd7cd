import type { StandardSchemaV1 } from "@standard-schema/spec";
import { AttemptContext } from "../../core/attempt/context.ts";
import { draftJob, finishJob } from "../../core/enqueue/new-job.ts";
import { defineJob, type JobContext, type JobDefinition } from "../../core/job/define.ts";
import type { FlowControlOptions } from "../../core/job/flow-control.ts";
import { withHidden } from "../../core/job/hidden.ts";
import { definedByInterface } from "../../core/job/of-interface.ts";
import type { Documents } from "../../core/manage/documents.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { inPieces, MOST_ENQUEUED_BYTES } from "../../core/shared/limits.ts";
import { OutOfBudgetError } from "../../core/store/meter.ts";
import { DELIVERY } from "../../http/qstash-port.ts";
import type { Message } from "../messages/message.ts";
import { attemptTimeoutMs } from "../messages/message-job.ts";
import { documentsOf } from "../shared/attempt-documents.ts";
import { type Endpoint, findGroup } from "./url-groups.ts";

/** The name of the job that makes the messages of an occurrence, where a schedule alone cannot. */
export const FAN_OUT = "qstash_fan_out";

/** A message of a schedule that goes to a URL group, or under a flow control key: the payload of the job. */
export interface FanOut {
  /** Where it goes: a URL, or the name of a group. */
  readonly destination: { readonly url: string } | { readonly group: string };
  readonly message: Omit<Message, "url">;
  readonly retries?: number;
  readonly flowControl?: FlowControlOptions;
}

/** When messages are made for which the budget of a drain had no room. */
const OUT_OF_BUDGET_MS = 1_000;

const schema: StandardSchemaV1<FanOut> = {
  "~standard": {
    version: 1,
    vendor: "tidegate",
    validate: (value) => {
      const { destination, message } = Object(value) as Partial<FanOut>;
      const { url, group } = Object(destination) as { readonly url?: unknown; readonly group?: unknown };
      const isWhole = typeof (url ?? group) === "string" && typeof message === "object" && message !== null;
      return isWhole ? { value: value as FanOut } : { issues: [{ message: "must have a destination and a message" }] };
    },
  },
};

/** Defines the job. What it makes has ids that come from its own, so that what is made again is there once. */
export function defineFanOut(): JobDefinition<FanOut> {
  const definition = {
    name: FAN_OUT,
    schema,
    async perform(fanOut: FanOut, job: JobContext) {
      try {
        return { messages: await makeMessages(fanOut, job) };
      } catch (error) {
        if (error instanceof OutOfBudgetError) return job.snooze(OUT_OF_BUDGET_MS);
        throw error;
      }
    },
  };
  return defineJob(definedByInterface(definition));
}

async function makeMessages(fanOut: FanOut, job: JobContext): Promise<number> {
  const host = AttemptContext.hostOf(job);
  const { clock, store } = host.needs;
  const { hidden, slot } = host.job.record;
  const now = clock();
  const { message, retries, flowControl } = fanOut;
  const endpoints = await endpointsOf(fanOut, documentsOf(host));
  const jobs = endpoints.map((endpoint, index) => {
    let made = 0;
    const newId = () => `${job.id}:${index}${made++ === 0 ? "" : `.${made}`}`;
    const payload = { ...message, ...endpoint, ...(slot && { scheduleId: slot.key }) };
    const options = {
      // All jobs of a key are in one partition.
      id: flowControl?.key === undefined ? newId() : store.local.idSource(newId)(flowControl.key),
      ...(retries !== undefined && { maxRetries: retries }),
      ...(message.timeoutMs !== undefined && { timeout: attemptTimeoutMs(message.timeoutMs) }),
      ...(flowControl && { flowControl }),
    };
    return finishJob(draftJob(DELIVERY, undefined, payload, withHidden(options, hidden), now, () => ""));
  });
  for (const piece of inPieces(await Promise.all(jobs), ({ record }) => record, MOST_ENQUEUED_BYTES))
    await store.enqueue(piece, now);
  return jobs.length;
}

/** Where the messages go. A group that is gone has none. */
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

/** Where a message goes. */
export type TopicPart = Pick<Message, "url" | "topicName" | "endpointName">;

/** What a message to a group says of its endpoint. */
export function topicPart(topicName: string, { url, name }: Endpoint): TopicPart {
  return { url, topicName, ...(name !== undefined && { endpointName: name }) };
}
