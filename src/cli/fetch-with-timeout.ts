import { TidegateError } from "../core/shared/errors.ts";
import type { Io } from "./io.ts";

const TIMEOUT_S = 30;
/** A drain responds when it ends, and platforms allow at most 15 minutes. */
const DRAIN_TIMEOUT_S = 16 * 60;

/** Sends requests, each with a fitting time limit. @throws {TidegateError} `store_unavailable` after it. */
export function fetchWithTimeout(io: Pick<Io, "fetch">): (request: Request) => Promise<Response> {
  const send = io.fetch ?? ((request: Request) => fetch(request));
  return async (request) => {
    const seconds = new URL(request.url).pathname.endsWith("/drain") ? DRAIN_TIMEOUT_S : TIMEOUT_S;
    const signal = AbortSignal.timeout(seconds * 1_000);
    try {
      const response = await send(new Request(request, { signal }));
      const body = await response.arrayBuffer();
      return new Response(body.byteLength > 0 ? body : null, response);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new TidegateError(
        "store_unavailable",
        `The handler did not respond within ${seconds} s. Check --url and the network. The request may have worked: repeat an enqueue only with an id.`,
      );
    }
  };
}
