import { AttemptContext } from "../../core/attempt/context.ts";
import { defineJob, type JobContext, type JobDefinition } from "../../core/job/define.ts";
import { withInner } from "../../core/job/inner-options.ts";
import { notFound } from "../../core/shared/errors.ts";
import { inPieces, MOST_ENQUEUED_BYTES } from "../../core/shared/limits.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { OutOfBudgetError } from "../../core/store/meter.ts";
import type { Message } from "../messages/message.ts";
import { messageJob, storedJob } from "../messages/message-job.ts";
import { checkName, Documents } from "../shared/documents.ts";
import { isUrl } from "./publish-options.ts";

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
  // A removed group has no endpoints.
  const endpoints = await partsOf(new Documents(host.needs), message.url);
  const jobs = (endpoints ?? []).map(async (endpoint, index) => {
    const payload = { ...message, ...endpoint, ...(occurrence && { scheduleId: occurrence.key }) };
    const made = await messageJob(payload, { id: `${job.id}:${index}`, retries: message.schedule?.retries });
    return storedJob(withInner(made, { hidden }), now);
  });
  for (const piece of inPieces(await Promise.all(jobs), ({ record }) => record, MOST_ENQUEUED_BYTES))
    await store.enqueue(piece, now);
  return jobs.length;
}

export interface Endpoint {
  readonly url: string;
  readonly name?: string;
}

export interface UrlGroup {
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly endpoints: readonly Endpoint[];
}

export const GROUPS = "qstash/group";

export async function findGroup(documents: Documents, name: string): Promise<UrlGroup> {
  checkName(name, "The name of a URL group");
  const found = await documents.get<UrlGroup>(GROUPS, name);
  if (!found) throw unknownGroup();
  return found.value;
}

export function unknownGroup(): Error {
  return notFound("No URL group has this name.");
}

export type TopicPart = Pick<Message, "url" | "topicName" | "endpointName">;

/** What a destination gives each of its messages; undefined if it is an unknown group. */
export async function partsOf(documents: Documents, destination: string): Promise<readonly TopicPart[] | undefined> {
  if (isUrl(destination)) return [{ url: destination }];
  checkName(destination, "The name of a URL group");
  const group = await documents.get<UrlGroup>(GROUPS, destination);
  return group?.value.endpoints.map(({ url, name }) =>
    withoutUndefined({ url, topicName: destination, endpointName: name }),
  );
}
