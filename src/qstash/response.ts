import { bytesOfBody, shownBody } from "./body.ts";
import { type HeaderValues, headerValues } from "./message.ts";

/** How much of a response is kept for the dead letter and for callbacks. */
const MOST_KEPT_BYTES = 256 * 1024;
const MOST_HEADER_BYTES = 16 * 1024;

/** What a destination answered. */
export interface KeptResponse {
  /** 0 if it did not answer. */
  readonly status: number;
  readonly header: HeaderValues;
  /** The first 256 KiB. */
  readonly body: Uint8Array;
}

/** The response of a destination that did not answer. */
export const noResponse: KeptResponse = { status: 0, header: {}, body: new Uint8Array() };

/** Reads a response, of a large one the beginning. */
export async function keepResponse(response: Response): Promise<KeptResponse> {
  return { status: response.status, header: keptHeaders(response.headers), body: await readStart(response.body) };
}

function keptHeaders(headers: Headers): HeaderValues {
  let left = MOST_HEADER_BYTES;
  const kept = [...headers].filter(([name, value]) => {
    left -= name.length + value.length;
    return left >= 0;
  });
  return headerValues(kept);
}

async function readStart(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  if (!stream) return new Uint8Array();
  const reader = stream.getReader();
  const bytes = new Uint8Array(MOST_KEPT_BYTES);
  let length = 0;
  while (length < MOST_KEPT_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    const part = value.subarray(0, MOST_KEPT_BYTES - length);
    bytes.set(part, length);
    length += part.length;
  }
  await reader.cancel().catch(() => {});
  return bytes.slice(0, length);
}

/** The last response to a message, as its job stores it and the dead letter shows it. */
export interface ShownResponse {
  readonly responseStatus?: number;
  readonly responseHeader?: HeaderValues;
  readonly responseBody?: string;
  readonly responseBodyBase64?: string;
}

export function shownResponse({ status, header, body }: KeptResponse): ShownResponse {
  const shown = shownBody(body);
  return {
    responseStatus: status,
    responseHeader: header,
    ...(shown.body !== undefined && { responseBody: shown.body }),
    ...(shown.bodyBase64 !== undefined && { responseBodyBase64: shown.bodyBase64 }),
  };
}

/** The response that was shown so. */
export function responseOf(shown: ShownResponse): KeptResponse {
  const { responseStatus = 0, responseHeader = {}, responseBody, responseBodyBase64 } = shown;
  const body = bytesOfBody(
    responseBodyBase64 === undefined ? { body: responseBody ?? "" } : { bodyBase64: responseBodyBase64 },
  );
  return { status: responseStatus, header: responseHeader, body: body ?? new Uint8Array() };
}
