import type { AttemptHost } from "../../core/attempt/context.ts";
import { type KeptResponse, noResponse, responseOf, type ShownResponse, wholeResponse } from "../messages/response.ts";

/** The responses to deliveries, by their attempts: what callbacks report. */
const responses = new WeakMap<AttemptHost, KeptResponse>();

/** Keeps the response to a delivery for the callbacks of its message. */
export function noteResponse(host: AttemptHost, response: KeptResponse): void {
  responses.set(host, response);
}

/** The response that an attempt got. One that got none, or made no delivery, has the status 0. */
export function responseTo(host: AttemptHost): KeptResponse {
  return responses.get(host) ?? noResponse;
}

/**
 * How a message of a run ended. It is stored with its job in the step that ends the delivery, and the run and the
 * callbacks are changed and enqueued from there. So no message is delivered again for a run that could not be changed.
 */
export interface StoredEnd {
  readonly response: KeptResponse;
  /** Why the message is dead. Default: it was delivered. */
  readonly failure?: string;
}

type Progress = ShownResponse & { readonly end?: { readonly life: number; readonly failure?: string } };

/** Distinguishes the ends of a message that was retried from the dead letter. */
export function lifeOf({ job }: AttemptHost): number {
  return job.record.revivedAt ?? 0;
}

/** The progress of a job whose message has ended. */
export function progressWithEnd(response: KeptResponse, failure: string | undefined, host: AttemptHost): Progress {
  return { ...wholeResponse(response), end: { life: lifeOf(host), ...(failure !== undefined && { failure }) } };
}

/** How the message ended, if it has. */
export function endOf(host: AttemptHost): StoredEnd | undefined {
  const progress = Object(host.job.record.progress) as Progress;
  if (progress.end?.life !== lifeOf(host)) return undefined;
  const { failure } = progress.end;
  return { response: responseOf(progress), ...(failure !== undefined && { failure }) };
}
