import { toBase64 } from "../../core/shared/bytes.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { bytesOfBody, shownBody } from "./body.ts";
import { type HeaderValues, headerValues } from "./message.ts";

/** How much of a response the dead-letter queue shows. */
export const MOST_SHOWN_BYTES = 256 * 1024;
const MOST_HEADER_BYTES = 16 * 1024;

export interface KeptResponse {
  /** 0 without a response. */
  readonly status: number;
  readonly header: HeaderValues;
  /** The whole body if callbacks report it, else its beginning. */
  readonly body: Uint8Array;
}

export const noResponse: KeptResponse = { status: 0, header: {}, body: new Uint8Array() };

/** Reads a response, or the beginning of a large one. */
export async function keepResponse(
  response: Response,
  mostBytes: number,
): Promise<{ readonly kept: KeptResponse; readonly isWhole: boolean }> {
  const { body, isWhole } = await readStart(response.body, mostBytes);
  return { kept: { status: response.status, header: keptHeaders(response.headers), body }, isWhole };
}

function keptHeaders(headers: Headers): HeaderValues {
  let left = MOST_HEADER_BYTES;
  const kept = [...headers].filter(([name, value]) => {
    left -= name.length + value.length;
    return left >= 0;
  });
  return headerValues(kept);
}

async function readStart(stream: ReadableStream<Uint8Array> | null, mostBytes: number) {
  if (!stream) return { body: new Uint8Array(), isWhole: true };
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  let isWhole = false;
  while (!isWhole && length <= mostBytes) {
    const { done, value } = await reader.read();
    isWhole = done;
    if (value) parts.push(value);
    length += value?.length ?? 0;
  }
  await reader.cancel().catch(() => {});
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return { body: bytes.slice(0, mostBytes), isWhole };
}

/** The last response to a message, as its job stores it and the dead-letter queue shows it. */
export interface ShownResponse {
  readonly responseStatus?: number;
  readonly responseHeader?: HeaderValues;
  readonly responseBody?: string;
  readonly responseBodyBase64?: string;
}

export function shownResponse({ status, header, body }: KeptResponse): ShownResponse {
  const shown = shownBody(body.subarray(0, MOST_SHOWN_BYTES));
  const { body: responseBody, bodyBase64: responseBodyBase64 } = shown;
  return withoutUndefined({ responseStatus: status, responseHeader: header, responseBody, responseBodyBase64 });
}

/** The same with the whole body, in its shortest form. */
export function wholeResponse(response: KeptResponse): ShownResponse {
  const { status, header, body } = response;
  if (body.length <= MOST_SHOWN_BYTES) return shownResponse(response);
  return { responseStatus: status, responseHeader: header, responseBodyBase64: toBase64(body) };
}

export function responseOf(shown: ShownResponse): KeptResponse {
  const { responseStatus = 0, responseHeader = {}, responseBody, responseBodyBase64 } = shown;
  const body = bytesOfBody(withoutUndefined({ body: responseBody, bodyBase64: responseBodyBase64 }));
  return { status: responseStatus, header: responseHeader, body };
}
