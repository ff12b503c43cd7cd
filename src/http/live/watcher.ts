import { isWatchToken } from "../../core/manage/watch-token.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { TidegateError } from "../../core/shared/errors.ts";
import { bearerOf, type Caller } from "../auth.ts";

/**
 * Identifies a caller by a watch token, in the header or, for an `EventSource`, in the query.
 *
 * @param queue undefined if the handler does not serve the queue that the path names.
 * @returns undefined if the request has another token, or none.
 * @throws {TidegateError} `unauthorized`; `forbidden` if the token is for another job. Never with the token.
 */
export async function watcherOf(request: Request, queue: Queue | undefined, id: string): Promise<Caller | undefined> {
  const inQuery = new URL(request.url).searchParams.get("token");
  const token = inQuery ?? bearerOf(request);
  if (!isWatchToken(token)) {
    if (inQuery === null) return undefined;
    throw unauthorized(
      "Only a token of queue.watchToken may be in the URL. Send another one as Authorization: Bearer.",
    );
  }
  const claims = queue && (await internalsOf(queue).watchTokens.read(token));
  if (!claims) throw unauthorized("The watch token is not valid: it was changed, or signed with another watchSecret.");
  if (claims.expiresAt <= queue.clock())
    throw unauthorized("The watch token has expired. Sign another with queue.watchToken.");
  if (claims.queue !== queue.name || claims.id !== id)
    throw new TidegateError("forbidden", "The watch token is for another job.");
  return { token: "known", scopes: new Set(), watches: claims };
}

const unauthorized = (message: string) => new TidegateError("unauthorized", message);
