import { TidegateError } from "../core/shared/errors.ts";
import type { Io } from "./io.ts";

const ANSWER_WITHIN_S = 30;
/** A drain answers when it is over. The longest that a platform lets one last is 15 minutes. */
const DRAIN_WITHIN_S = 16 * 60;

/**
 * Sends requests to a handler, and waits for a whole answer no longer than one can take.
 *
 * @throws {TidegateError} `store_unavailable` where none has come by then, and what `fetch` throws.
 */
export function fetchWithTimeout(io: Pick<Io, "fetch">): (request: Request) => Promise<Response> {
  const send = io.fetch ?? ((request: Request) => fetch(request));
  return async (request) => {
    const seconds = new URL(request.url).pathname.endsWith("/drain") ? DRAIN_WITHIN_S : ANSWER_WITHIN_S;
    const signal = AbortSignal.timeout(seconds * 1_000);
    try {
      const response = await send(new Request(request, { signal }));
      const body = await response.arrayBuffer();
      return new Response(body.byteLength > 0 ? body : null, response);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new TidegateError(
        "store_unavailable",
        `The handler has not answered within ${seconds} s. Check --url and the network. It may have worked: repeat an enqueue only with an id.`,
      );
    }
  };
}
