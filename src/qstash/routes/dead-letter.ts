import { type DeadJobChanges, retryDead } from "../../core/manage/dead-letter.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { conflict, invalidRequest, notFound } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { json, type QStashCall, route } from "../api/call.ts";
import { limitHeaders } from "../messages/flow-control.ts";
import { headerName, type Message } from "../messages/message.ts";
import { attemptTimeoutMs } from "../messages/message-job.ts";
import { deliveriesAmong, type MessageView, messageView } from "../messages/message-view.ts";
import { redact } from "../messages/redaction.ts";
import { readPublishOptions } from "../publish/publish-options.ts";
import { deadRoutes, listDeadRuns, selectDead } from "./dead-runs.ts";

export const deadLetterRoutes = [
  ...deadRoutes("dlq", findDead, async (call) =>
    call.query.get("source") === "workflow" ? listDeadRuns(call) : selectDead(call.queue, call.query),
  ),
  // Each message keeps its id and gets all of its retries again.
  route(
    "POST dlq/retry",
    async (call) => {
      const changes = readRetryChanges(call);
      const { messages, cursor } = await selectDead(call.queue, call.query);
      const ids = messages.map(({ messageId }) => messageId);
      await retry(call, ids, changes);
      return json({ responses: ids.map((messageId) => ({ messageId })), cursor }, 201);
    },
    { isBulk: true },
  ),
  route("POST dlq/retry/:id", async (call) => {
    const changes = readRetryChanges(call);
    const { messageId } = await findDead(call);
    await retry(call, [messageId], changes);
    return json({ messageId }, 201);
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
  const dead = (await deliveriesAmong(queue, ids)).filter(({ state }) => state === "dead");
  if (dead.some(({ payload }) => (payload as Message).workflow))
    throw conflict("A message of a workflow run cannot be changed. Resume or restart the run instead.");
  for (const { id, payload: stored } of dead) {
    const message = stored as Message;
    const header = { ...message.header, ...changes.message.header };
    const { payload, hidden } = await redact({ ...message, ...changes.message, header });
    const hide = (stored: unknown) => (hidden ? { ...Object(stored), ...hidden } : stored);
    await retryDead(internalsOf(queue), id, { payload }, { ...changes.job, hide });
  }
}

async function findDead({ queue, target }: QStashCall): Promise<MessageView> {
  const [job] = await deliveriesAmong(queue, [target]);
  if (job?.state !== "dead") throw notFound("No dead message has this id.");
  return messageView(job);
}
