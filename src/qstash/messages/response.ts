import { toBase64 } from "../../core/shared/bytes.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { readUpTo } from "../../http/contract/body.ts";
import { bytesOfBody, type StoredBody, shownBody } from "./body.ts";
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

export async function keepResponse(response: Response, mostBytes: number) {
  const { bytes, isWhole } = await readUpTo(response, mostBytes);
  const { status, headers } = response;
  return { kept: { status, header: keptHeaders(headers), body: bytes.slice(0, mostBytes) }, isWhole };
}

function keptHeaders(headers: Headers): HeaderValues {
  let left = MOST_HEADER_BYTES;
  const kept = [...headers].filter(([name, value]) => {
    left -= name.length + value.length;
    return left >= 0;
  });
  return headerValues(kept);
}

/** The last response to a message, as its job stores it and the dead-letter queue shows it. */
export interface ShownResponse {
  readonly responseStatus?: number;
  readonly responseHeader?: HeaderValues;
  readonly responseBody?: string;
  readonly responseBodyBase64?: string;
}

/** @param isWhole whether it keeps a body that is larger than what is shown. */
export function shownResponse({ status, header, body }: KeptResponse, isWhole = false): ShownResponse {
  const isLarge = isWhole && body.length > MOST_SHOWN_BYTES;
  const shown: StoredBody = isLarge ? { bodyBase64: toBase64(body) } : shownBody(body.subarray(0, MOST_SHOWN_BYTES));
  const { body: responseBody, bodyBase64: responseBodyBase64 } = shown;
  return withoutUndefined({ responseStatus: status, responseHeader: header, responseBody, responseBodyBase64 });
}

export function responseOf(shown: ShownResponse): KeptResponse {
  const { responseStatus = 0, responseHeader = {}, responseBody, responseBodyBase64 } = shown;
  const body = bytesOfBody(withoutUndefined({ body: responseBody, bodyBase64: responseBodyBase64 }));
  return { status: responseStatus, header: responseHeader, body };
}
