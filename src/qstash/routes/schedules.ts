import { withInner } from "../../core/job/inner-options.ts";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import { conflict, invalidRequest, notFound } from "../../core/shared/errors.ts";
import { checkPathText } from "../../core/shared/validate.ts";
import { json, type QStashCall, readBody, route } from "../api/call.ts";
import { bytesOfBody, shownBody, storedBody } from "../messages/body.ts";
import { DELIVERY, type Message, type ScheduleNote } from "../messages/message.ts";
import { DEFAULT_RETRIES, messageJob } from "../messages/message-job.ts";
import { redact } from "../messages/redaction.ts";
import { isUrl, readDestination, readPublishOptions } from "../publish/publish-options.ts";
import { FAN_OUT, findGroup } from "../publish/url-groups.ts";
import { durationHeader } from "../shared/durations.ts";
import { noteQueue } from "./queues.ts";

const LONGEST_ID = 200;

export const scheduleRoutes = [
  ...(["PATCH", "POST"] as const).flatMap((method) => [
    route(`${method} schedules/:id/pause`, change("pause")),
    route(`${method} schedules/:id/resume`, change("resume")),
  ]),
  route("POST schedules/*", putSchedule),
  route("GET schedules", async ({ queue }) => (await queue.schedules.list()).filter(isOwn).map(scheduleView)),
  route("GET schedules/:id", async (call) => scheduleView(await findSchedule(call))),
  route("DELETE schedules/:id", change("remove")),
];

function change(what: "remove" | "pause" | "resume") {
  return async (call: QStashCall): Promise<void> => {
    const { key } = await findSchedule(call);
    await call.queue.schedules[what](key);
  };
}

async function putSchedule(call: QStashCall): Promise<Response> {
  const { request, rest, queue, documents, settings, now } = call;
  const { headers } = request;
  const { schedules } = queue;
  const rule = readCron(headers.get("upstash-cron") ?? "");
  const delay = headers.get("upstash-delay");
  const destination = readDestination(request, rest);
  const isToUrl = isUrl(destination);
  if (!isToUrl) await findGroup(documents, destination);
  const read = readPublishOptions(headers, settings.targets, now);
  const { retries, deduplication, notBefore: _, redaction, ...options } = read;
  if (deduplication || headers.has("upstash-not-before"))
    throw invalidRequest("A schedule takes neither a deduplication nor Upstash-Not-Before.");
  const body = await readBody(request);
  const scheduleId = headers.get("upstash-schedule-id") ?? `scd_${crypto.randomUUID()}`;
  checkPathText(scheduleId, "Upstash-Schedule-Id", LONGEST_ID);
  // The SDK does not escape it in paths.
  if (/[/?#%\\]/.test(scheduleId))
    throw invalidRequest("Upstash-Schedule-Id must not contain a slash, a backslash, ?, # or %.");
  const existing = await schedules.get(scheduleId);
  if (existing && !makesMessages(existing))
    throw conflict("Another schedule of the queue has this id. Choose another Upstash-Schedule-Id.");
  const createdAt = noteOf(existing)?.createdAt ?? now;
  const message: Message = {
    url: isToUrl ? settings.targets.read(destination, "destination") : destination,
    ...options,
    ...storedBody(body),
    ...(delay && { delayMs: durationHeader(delay, "Upstash-Delay") }),
    schedule: { createdAt, cron: rule.text, ...(retries !== undefined && { retries }) },
  };
  const { payload, hidden } = await redact(message, redaction);
  const { queueName } = options.limits ?? {};
  if (queueName !== undefined) await noteQueue(call, queueName);
  const made = isToUrl && !options.limits ? await messageJob(payload, { retries }) : { job: FAN_OUT, payload };
  const recurring = { ...made, cron: rule.cron, timeZone: rule.timeZone };
  await schedules.upsert(scheduleId, withInner(recurring, { isOwn: true, hidden }));
  return json({ scheduleId }, 201);
}

async function findSchedule({ queue, target }: QStashCall): Promise<ScheduleInfo> {
  const found = await queue.schedules.get(target);
  if (!found || !isOwn(found)) throw notFound("No schedule has this id.");
  return found;
}

/** Whether QStash's interface made a schedule. The queue may have others. */
function isOwn(schedule: ScheduleInfo): boolean {
  return makesMessages(schedule) && noteOf(schedule) !== undefined;
}

function makesMessages({ name }: ScheduleInfo): boolean {
  return name === DELIVERY || name === FAN_OUT;
}

function noteOf(schedule: ScheduleInfo | null): ScheduleNote | undefined {
  return (schedule?.payload as Message | undefined)?.schedule;
}

const cronPattern = /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.+)$/;

/** Reads "CRON_TZ=America/New_York 0 9 * * *". The queue checks the expression and the zone. */
function readCron(text: string) {
  const [, timeZone = "UTC", cron = ""] = cronPattern.exec(text.trim()) ?? [];
  if (cron === "") throw invalidRequest("Upstash-Cron must be a cron expression.");
  return { text: text.trim(), cron: cron.trim(), timeZone };
}

function scheduleView(info: ScheduleInfo) {
  const { key, paused, nextRunAt, lastRunAt } = info;
  const message = info.payload as Message;
  const { url, method, header, schedule, delayMs, callback, failureCallback, labels, retryDelay } = message;
  return {
    scheduleId: key,
    cron: schedule?.cron,
    createdAt: schedule?.createdAt,
    destination: url,
    ...{ method, header },
    ...shownBody(bytesOfBody(message)),
    retries: schedule?.retries ?? DEFAULT_RETRIES,
    isPaused: paused,
    delay: delayMs === undefined ? undefined : delayMs / 1_000,
    callback: callback?.url,
    failureCallback: failureCallback?.url,
    ...{ label: labels?.[0], labels },
    ...message.limits,
    retryDelayExpression: retryDelay,
    lastScheduleTime: lastRunAt?.getTime(),
    nextScheduleTime: nextRunAt?.getTime(),
  };
}
