import { PermanentError, withoutStack } from "../core/job/errors.ts";
import { type Duration, durationMs } from "../core/shared/duration.ts";
import { invalidRequest, networkCode } from "../core/shared/errors.ts";
import { checkFlag, checkFunctions, checkPathText, knownOptions } from "../core/shared/validate.ts";
import type { AlertMessage, StoredMessage } from "./message.ts";

/** Options of `slack` and `webhook`. */
export interface AlertOptions {
  /**
   * What jobs, log lines and the dashboard call it: 1 to 64 characters. A queue's alerts need different names.
   * Default "slack" or "webhook".
   */
  readonly name?: string | undefined;
  /** The dashboard's URL, for links, such as "https://app.example.com/queue/dashboard". Default: no link. */
  readonly dashboard?: string | undefined;
  /** Whether messages show error messages. They may hold personal data. Default true. */
  readonly messages?: boolean | undefined;
  /**
   * Sends a message if something has been due for this long and nothing drains the queue: at least "1m". Calls of the
   * queue check this once a minute in each isolate, for one command. Default: never.
   */
  readonly silentFor?: Duration | undefined;
  /**
   * Sends a message if a job has been due for this long while more jobs become due than leave: at least "1m". Checked
   * as `silentFor` is, and then every hour by a job, until the queue no longer grows. Default: never.
   */
  readonly growingFor?: Duration | undefined;
  /** Sends the requests. Default: the platform's own. */
  readonly fetch?: ((input: string, init: RequestInit) => Promise<Response>) | undefined;
}

export const alertOptionNames = ["name", "dashboard", "messages", "silentFor", "growingFor", "fetch"];

/** A request to the receiver, apart from its URL. */
export interface AlertRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What one sending of a message needs. */
export interface Sending {
  readonly queue: string;
  /** The same in each attempt. */
  readonly id: string;
  /** ms since 1970 */
  readonly now: number;
  /** Aborts when the receiver has not responded in time. */
  readonly signal: AbortSignal;
}

export const RESPONDS_WITHIN_MS = 10_000;

const LONGEST_NAME = 64;
const SHORTEST_MS = 60_000;
const LONGEST_WAIT_MS = 86_400_000;

/** A receiver cannot take a message now. */
export class ReceiverError extends Error {
  /** How long it asks to wait; 0 if it does not. */
  readonly waitMs: number;

  constructor(message: string, waitMs: number) {
    super(message);
    this.waitMs = waitMs;
  }
}

/** A receiver of alerts. */
export interface Target {
  readonly name: string;
  /** Infinite if it gets no messages of that kind. */
  readonly silentForMs: number;
  /** Infinite if it gets no messages of that kind. */
  readonly growingForMs: number;
  /**
   * Sends a message. It puts the URL, which is a secret, into nothing but the request.
   *
   * @throws {PermanentError} if another attempt would fail as well; other errors if it may succeed.
   */
  send(stored: StoredMessage, sending: Sending): Promise<void>;
}

/** @throws {TidegateError} `invalid_request`; the message names the option, and never has the URL. */
export function targetOf(
  kind: "slack" | "webhook",
  url: string,
  options: AlertOptions,
  requestOf: (message: AlertMessage, sending: Sending) => AlertRequest | Promise<AlertRequest>,
): Target {
  const given = knownOptions(options, alertOptionNames, kind);
  checkFunctions(given, ["fetch"], kind);
  const { name = kind, dashboard, messages = true } = given;
  checkPathText(name, `${kind}: name`, LONGEST_NAME);
  checkFlag(messages, `${kind}: messages`);
  checkUrl(url, `${kind}: the URL of the receiver`);
  if (dashboard !== undefined) checkUrl(dashboard, `${kind}: dashboard`);
  const lasting = (option: "silentFor" | "growingFor") => {
    const ms = given[option] === undefined ? Number.POSITIVE_INFINITY : durationMs(given[option], option);
    if (ms < SHORTEST_MS) throw invalidRequest(`${kind}: ${option} must be at least "1m".`);
    return ms;
  };
  const post = given.fetch ?? ((input, init) => fetch(input, init));

  const linkTo = (group: string | null, queue: string): string | null => {
    if (dashboard === undefined) return null;
    const route = group === null ? { view: "overview", queue } : { view: "jobs", queue, state: "dead", group };
    return `${dashboard.replace(/#.*$/, "")}#${new URLSearchParams(route)}`;
  };

  const failureOf = ({ ok, status, type, headers }: Response, now: number): Error | undefined => {
    if (ok) return undefined;
    const what = `The receiver of the alert "${name}"`;
    // In a browser, a redirect has no status.
    if (type === "opaqueredirect" || (status >= 300 && status < 400))
      return new PermanentError(`${what} redirects elsewhere. Give the alert the URL that it redirects to.`);
    const text = `${what} responded with status ${status}.`;
    if (status !== 408 && status !== 429 && status < 500)
      return new PermanentError(`${text} Check the URL and the secret of the alert, then retry this job.`);
    return new ReceiverError(text, retryAfterMs(headers.get("Retry-After"), now));
  };

  return {
    name,
    silentForMs: lasting("silentFor"),
    growingForMs: lasting("growingFor"),
    async send({ type, group, name: job, error, ...rest }, sending) {
      const shown = error && { name: error.name, message: messages ? error.message : null };
      const about = { type, queue: sending.queue, group, name: job, error: shown, ...rest };
      const { headers, body } = await requestOf({ ...about, url: linkTo(group, sending.queue) }, sending);
      const response = await post(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body,
        redirect: "manual",
        signal: sending.signal,
      }).catch((error: unknown) => {
        // The message of the error may have the URL.
        const reason = sending.signal.aborted ? "did not respond in time" : `cannot be reached${networkCode(error)}`;
        throw withoutStack(new Error(`The receiver of the alert "${name}" ${reason}.`));
      });
      await response.body?.cancel().catch(() => {});
      const failure = failureOf(response, sending.now);
      if (failure) throw withoutStack(failure);
    },
  };
}

/** The wait that a receiver asks for, no longer than a day; 0 if it asks for none. */
function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), LONGEST_WAIT_MS);
}

function checkUrl(url: unknown, what: string): void {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw invalidRequest(`${what} must be a whole URL that begins with https:// or http://.`);
  if (parsed.username !== "" || parsed.password !== "")
    throw invalidRequest(`${what} must have no user name and no password: fetch refuses them.`);
}
