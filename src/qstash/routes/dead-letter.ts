import type { Queue } from "../../core/queue/queue.ts";
import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { json } from "../answers.ts";
import { idsOf, selectDead } from "../dead-letter.ts";
import { isDelivery, type MessageView, messageView } from "../message-view.ts";
import type { QStashCall } from "../request.ts";
import { closeRuns } from "../workflow/again.ts";
import { requestStore } from "../workflow/run-store.ts";
import { listDeadRuns } from "./dead-runs.ts";

/** `GET /v2/dlq` */
export async function listDead(call: QStashCall): Promise<Response> {
  const { host, query } = call;
  if (query.get("source") === "workflow") return listDeadRuns(call);
  const { messages, cursor } = await selectDead(host.queue, query);
  return json({ messages, ...(cursor && { cursor }) });
}

/** `GET /v2/dlq/{id}` */
export async function getDead({ host, parameters }: QStashCall): Promise<Response> {
  return json(await findDead(host.queue, parameters["id"] ?? ""));
}

/** `DELETE /v2/dlq/{id}` */
export async function removeDead({ host, parameters }: QStashCall): Promise<Response> {
  const message = await findDead(host.queue, parameters["id"] ?? "");
  await host.queue.removeFromDeadLetter(message.messageId);
  await closeRuns(requestStore(host), [message]);
  return json({});
}

/** `DELETE /v2/dlq` */
export async function removeManyDead({ host, query }: QStashCall): Promise<Response> {
  const { messages, cursor } = await selectDead(host.queue, query);
  const { removed } = await host.queue.removeFromDeadLetter({ ids: idsOf(messages) });
  await closeRuns(requestStore(host), messages);
  return json({ deleted: removed, ...(cursor && { cursor }) });
}

/** `POST /v2/dlq/retry`: each message keeps its id, and has all of its retries again. */
export async function retryManyDead({ host, query, request }: QStashCall): Promise<Response> {
  refuseChanges(request.headers);
  const { messages, cursor } = await selectDead(host.queue, query);
  await host.queue.retryFromDeadLetter({ ids: idsOf(messages) });
  host.drainSoon();
  return json({ responses: messages.map(({ messageId }) => ({ messageId })), ...(cursor && { cursor }) }, 201);
}

/** `POST /v2/dlq/retry/{id}` */
export async function retryDead({ host, parameters, request }: QStashCall): Promise<Response> {
  refuseChanges(request.headers);
  const { messageId } = await findDead(host.queue, parameters["id"] ?? "");
  await host.queue.retryFromDeadLetter(messageId);
  host.drainSoon();
  return json({ messageId }, 201);
}

/** QStash takes the headers of a publish here. */
function refuseChanges(headers: Headers): void {
  const change = [...headers.keys()].find(
    (name) => name.startsWith("upstash-") && !name.startsWith("upstash-telemetry-"),
  );
  if (change !== undefined)
    throw invalidRequest("A retry cannot change the message. Change its payload in the dashboard, or publish it anew.");
}

async function findDead(queue: Queue, id: string): Promise<MessageView> {
  const job = await queue.getJob(id);
  if (job?.state !== "dead" || !isDelivery(job)) throw notFound("No dead message has this id.");
  return messageView(job);
}
