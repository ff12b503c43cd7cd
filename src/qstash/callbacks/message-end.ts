import type { AttemptHost } from "../../core/job/inner-options.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { type KeptResponse, noResponse, responseOf, type ShownResponse, wholeResponse } from "../messages/response.ts";

/** The responses that callbacks report, by attempt. */
const responses = new WeakMap<AttemptHost, KeptResponse>();

/** Keeps a response for the callbacks of its message. */
export function noteResponse(host: AttemptHost, response: KeptResponse): void {
  responses.set(host, response);
}

/** The response that an attempt got; `noResponse` if it got none or made no delivery. */
export function responseTo(host: AttemptHost): KeptResponse {
  return responses.get(host) ?? noResponse;
}

/** How a run's message ended. It is stored before the run changes and callbacks go out, so nothing is sent twice. */
export interface StoredEnd {
  readonly response: KeptResponse;
  /** Why the message is dead. Default: it was delivered. */
  readonly failure?: string;
}

type Progress = ShownResponse & { readonly end?: { readonly life: number; readonly failure?: string } };

/** Distinguishes the ends of a message that was retried from the dead-letter queue. */
export function lifeOf({ job }: AttemptHost): number {
  return job.record.revivedAt ?? 0;
}

/** The progress to store for a message that has ended. */
export function progressWithEnd(response: KeptResponse, failure: string | undefined, host: AttemptHost): Progress {
  return { ...wholeResponse(response), end: withoutUndefined({ life: lifeOf(host), failure }) };
}

export function endOf(host: AttemptHost): StoredEnd | undefined {
  const progress = Object(host.job.record.progress) as Progress;
  if (progress.end?.life !== lifeOf(host)) return undefined;
  return withoutUndefined({ response: responseOf(progress), failure: progress.end.failure });
}
