import type { JobContext } from "../../core/job/define.ts";
import type { AttemptHost } from "../../core/job/inner-options.ts";
import { utf8 } from "../../core/shared/bytes.ts";
import { alarm } from "../../core/shared/clock.ts";
import { networkCode } from "../../core/shared/errors.ts";
import type { Settings } from "../api/call.ts";
import { mostOfResponse } from "../callbacks/callback-jobs.ts";
import { headersOf, type Message } from "../messages/message.ts";
import { type KeptResponse, keepResponse, noResponse } from "../messages/response.ts";
import { signatureOf } from "../security/signing-keys.ts";
import { SDK_VERSION } from "../workflow/run-messages.ts";
import type { Sent } from "../workflow/step-delivery.ts";

export interface CallResult {
  readonly kept: KeptResponse;
  readonly headers: Headers;
  /** Why there is no usable response. */
  readonly failure?: string;
  /** Whether a retry would fail in the same way. */
  readonly isFinal?: boolean;
}

/** QStash's own message. */
const NO_WORKFLOW =
  "detected a non-workflow destination for trigger/invoke. make sure you are sending the request to the correct endpoint";

/** Calls the destination of a message. Does not reject if the call fails. */
export async function callDestination(
  message: Message,
  sent: Sent,
  job: JobContext,
  settings: Settings,
  host: AttemptHost,
  signingKey: string,
): Promise<CallResult> {
  const { url, method } = message;
  const { clock } = host.needs;
  const scheduleId = host.job.record.occurrence?.key ?? message.scheduleId;
  const body = method === "GET" ? new Uint8Array() : sent.body;
  const headers = headersOf(sent.header);
  const own = {
    "User-Agent": "Upstash-QStash",
    "Upstash-Message-Id": job.id,
    "Upstash-Retried": String(job.attempt - 1),
    ...(scheduleId !== undefined && { "Upstash-Schedule-Id": scheduleId }),
    ...(message.topicName !== undefined && { "Upstash-Topic-Name": message.topicName }),
    "Upstash-Signature": await signatureOf({ url, body, now: clock() }, signingKey),
  };
  for (const [name, value] of Object.entries(own)) headers.set(name, value);
  const timeoutMs = message.timeoutMs ?? settings.timeoutMs;
  const tooLate = new AbortController();
  const cancelAlarm = alarm(clock, timeoutMs, () => tooLate.abort());
  const signal = AbortSignal.any([job.signal, tooLate.signal]);
  try {
    // Following a redirect could lead out of the targets.
    const init: RequestInit = { method, headers, redirect: "manual", signal, ...(method !== "GET" && { body }) };
    const response = await settings.fetch(url, init);
    const most = mostOfResponse(message, host);
    const { kept, isWhole } = await keepResponse(response, most.bytes);
    if (sent.expectsSdk && response.ok && !response.headers.has(SDK_VERSION))
      return { kept, headers: response.headers, failure: NO_WORKFLOW, isFinal: true };
    if (isWhole || !most.isNeeded) return { kept, headers: response.headers };
    return tooLarge(response, most.bytes);
  } catch (error) {
    const failure = signal.aborted
      ? `The destination did not respond within ${timeoutMs} ms.`
      : `The destination could not be reached${networkCode(error)}.`;
    return { kept: noResponse, headers: new Headers(), failure };
  } finally {
    cancelAlarm();
  }
}

/** The result for a response that is too large for a callback. A successful call is not repeated. */
function tooLarge({ headers, ok: isFinal }: Response, mostBytes: number): CallResult {
  const failure = `The response is larger than the ${mostBytes} bytes that a callback of this message can report.`;
  return { kept: { ...noResponse, body: utf8(failure) }, headers, failure, isFinal };
}
