import type { Wake } from "../core/observe/wake.ts";
import { systemClock } from "../core/shared/clock.ts";
import { invalidRequest, TidegateError } from "../core/shared/errors.ts";
import { fnv1a } from "../core/shared/hash.ts";
import { checkFunctions, knownOptions } from "../core/shared/validate.ts";
import { checkToken } from "../http/auth.ts";
import { post } from "../http/post.ts";

/** Which QStash sends the wake-ups, and where to. */
export interface QStashWakeOptions {
  /** The token of QStash. */
  readonly token: string;
  /** The URL of the handler's `/drain`, as QStash reaches it. */
  readonly url: string;
  /** A token of the handler with the scope `drain`. QStash forwards it, and hides it in its logs. */
  readonly drainToken: string;
  /** Where QStash is. Default "https://qstash.upstash.io". */
  readonly baseUrl?: string | undefined;
  /** Sends the requests to QStash. Default: the platform's own. */
  readonly fetch?: ((input: string, init: RequestInit) => Promise<Response>) | undefined;
}

const optionNames = ["token", "url", "drainToken", "baseUrl", "fetch"];
/** QStash's free plan delays a message for seven days at most. A drain that comes early asks again. */
const LONGEST_DELAY_MS = 6 * 86_400_000;

/**
 * Makes a `wake` that has QStash call the handler's `/drain`: one message for each second that is asked for, however
 * many ask for it. QStash repeats a call that fails.
 *
 * ```ts
 * const wake = qstashWake({
 *   token: env.QSTASH_TOKEN,
 *   url: "https://app.example.com/queue/drain",
 *   drainToken: env.TIDEGATE_DRAIN_TOKEN,
 * });
 * const queue = new Queue({ store, jobs, wake });
 * ```
 *
 * @throws {TidegateError} `invalid_request` for an invalid option. Nothing is sent until something is due.
 */
export function qstashWake(options: QStashWakeOptions): Wake {
  const given = knownOptions(options, optionNames, "qstashWake");
  checkFunctions(given, ["fetch"]);
  const { token, url, drainToken, baseUrl = "https://qstash.upstash.io" } = given;
  const { fetch: send = (...call: Parameters<typeof fetch>) => fetch(...call) } = given;
  checkToken(token, "token");
  checkToken(drainToken, "drainToken");
  for (const [name, value] of Object.entries({ url, baseUrl }))
    if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
      throw invalidRequest(`${name} must be a whole URL, such as "https://app.example.com/queue/drain".`);
  const publish = `${baseUrl.replace(/\/+$/, "")}/v2/publish/${url}`;
  const mark = fnv1a(url).toString(16);
  return async (at) => {
    if (!Number.isFinite(at)) throw invalidRequest("wake takes a time in ms since 1970.");
    const now = systemClock();
    // A time less than a second ahead may have been asked for before, and its message have come early. Another message
    // for the same second would not be sent.
    const isAgain = at > now && at < now + 1_000;
    // Times have whole seconds there. The message comes after its second, and so after all that ask for the second.
    const second = Math.ceil(Math.min(at, now + LONGEST_DELAY_MS) / 1_000) + (isAgain ? 1 : 0);
    const response = await post(send, publish, {
      Authorization: `Bearer ${token}`,
      "Upstash-Method": "POST",
      "Upstash-Not-Before": String(second),
      "Upstash-Deduplication-Id": `tidegate-wake-${mark}-${second}`,
      "Upstash-Forward-Authorization": `Bearer ${drainToken}`,
      "Upstash-Redact-Fields": "header[Authorization]",
    });
    if (!response.ok)
      throw new TidegateError("store_unavailable", `QStash refused the message with status ${response.status}.`);
  };
}
