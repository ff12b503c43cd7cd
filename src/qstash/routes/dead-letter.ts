import { type DeadJobChanges, retryDead } from "../../core/manage/dead-letter.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { conflict, invalidRequest, notFound } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { json, type QStashCall } from "../api/call.ts";
import { idsOf, selectDead } from "../messages/dead-selection.ts";
import { limitHeaders } from "../messages/flow-control.ts";
import { headerName, type Message } from "../messages/message.ts";
import { attemptTimeoutMs } from "../messages/message-job.ts";
import { isDelivery, type MessageView, messageView } from "../messages/message-view.ts";
import { redact } from "../messages/redaction.ts";
import { readPublishOptions } from "../publish/publish-options.ts";
import { removeDead } from "../workflow/rerun.ts";
import { listDeadRuns } from "./dead-runs.ts";
import { route } from "./route.ts";

export const deadLetterRoutes = [
  route("GET dlq", async (call) =>
    call.query.get("source") === "workflow" ? listDeadRuns(call) : selectDead(call.queue, call.query),
  ),
  route(
    "DELETE dlq",
    async (call) => {
      const { messages, cursor } = await selectDead(call.queue, call.query);
      return { deleted: await removeDead(call, messages), cursor };
    },
    { isBulk: true },
  ),
  // Each message keeps its id and gets all of its retries again.
  route(
    "POST dlq/retry",
    async (call) => {
      const changes = readRetryChanges(call);
      const { messages, cursor } = await selectDead(call.queue, call.query);
      await retry(call, idsOf(messages), changes);
      return json({ responses: messages.map(({ messageId }) => ({ messageId })), cursor }, 201);
    },
    { isBulk: true },
  ),
  route("POST dlq/retry/:id", async (call) => {
    const changes = readRetryChanges(call);
    const { messageId } = await findDead(call);
    await retry(call, [messageId], changes);
    return json({ messageId }, 201);
  }),
  route("GET dlq/:id", findDead),
  route("DELETE dlq/:id", async (call) => {
    await removeDead(call, [await findDead(call)]);
  }),
];

/** Options of a publish that a retry cannot change. */
const notOfRetry = [
  ...limitHeaders,
  ...["upstash-deduplication-id", "upstash-content-based-deduplication", "upstash-redact-fields", "upstash-cron"],
];

interface RetryChanges {
  readonly message: Partial<Message>;
  readonly job: DeadJobChanges;
}

/** Reads the changes for a retry from the headers of a publish; undefined if there are none. */
function readRetryChanges({ request, now, settings }: QStashCall): RetryChanges | undefined {
  // A client may send its own Content-Type. The message keeps the one of its body.
  const headers = new Headers([...request.headers].filter(([name]) => /^upstash-(?!telemetry-)/.test(name)));
  const names = [...headers.keys()];
  if (names.length === 0) return undefined;
  const fixed = names.find((name) => notOfRetry.includes(name));
  if (fixed !== undefined)
    throw invalidRequest(`A retry cannot change ${headerName(fixed)}. Publish the message again, and delete this one.`);
  const { method, retries, ...read } = readPublishOptions(headers, settings.targets, now);
  const timeoutMs = read.timeoutMs && attemptTimeoutMs(read.timeoutMs);
  return {
    message: { ...read, ...(headers.has("upstash-method") && { method }) },
    job: withoutUndefined({ maxRetries: retries, timeoutMs, runAt: read.notBefore }),
  };
}

async function retry(
  { queue, drainSoon }: QStashCall,
  ids: readonly string[],
  changes: RetryChanges | undefined,
): Promise<void> {
  if (changes) await retryChanged(queue, ids, changes);
  else await queue.retryFromDeadLetter({ ids });
  drainSoon();
}

/** Retries dead messages with changes. Reads all of them before it retries the first. */
async function retryChanged(queue: Queue, ids: readonly string[], changes: RetryChanges): Promise<void> {
  const jobs = await Promise.all(ids.map((id) => queue.getJob(id)));
  const dead = jobs.flatMap((job) => (job?.state === "dead" ? { id: job.id, message: job.payload as Message } : []));
  if (dead.some(({ message }) => message.workflow))
    throw conflict("A message of a workflow run cannot be changed. Resume or restart the run instead.");
  for (const { id, message } of dead) {
    const header = { ...message.header, ...changes.message.header };
    const { payload, hidden } = await redact({ ...message, ...changes.message, header });
    const hide = (stored: unknown) => (hidden ? { ...Object(stored), ...hidden } : stored);
    await retryDead(internalsOf(queue), id, { payload }, { ...changes.job, hide });
  }
}

async function findDead({ queue, target }: QStashCall): Promise<MessageView> {
  const job = await queue.getJob(target);
  if (job?.state !== "dead" || !isDelivery(job)) throw notFound("No dead message has this id.");
  return messageView(job);
}
