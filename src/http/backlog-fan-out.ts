import type { DrainReport } from "../core/drain/report.ts";
import { alarm, type Clock } from "../core/shared/clock.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { checkFunctions, knownOptions, wholeNumber } from "../core/shared/validate.ts";
import { post, RESPONSE_WITHIN_MS } from "./post.ts";

/** How to start further invocations when a drain stops with a backlog. */
export interface FanOutOptions {
  /**
   * Starts one more invocation: sends `POST /drain` to this handler with the given headers and a drain token, through a
   * service binding or to its own URL. `relayTo` makes such a function. Without it, a backlog waits for the next tick.
   */
  readonly onBacklog?: ((headers: Readonly<Record<string, string>>) => unknown) | undefined;
  /** How many invocations to start when a cron's drain stops with a backlog: 1 to 50. Default 1. */
  readonly fanOut?: number | undefined;
}

/** One invocation in a chain: its number, from 1, and until when the chain may continue (ms since 1970). */
interface Hop {
  readonly generation: number;
  readonly until: number;
}

/** Who started a drain: a cron, a request, or the previous hop of a chain. */
export type DrainOrigin = "cron" | "request" | Hop;

const HEADER = "tidegate-relay";
const CHAIN_MS = 60_000;
const MOST_HOPS = 100;

/** Reads the hop from the headers of a drain request. An invalid hop ends the chain. */
export function readHop(headers: Headers): Hop | undefined {
  const header = headers.get(HEADER);
  if (header === null) return undefined;
  const [, generation, until] = /^(\d{1,3});(\d{1,15})$/.exec(header) ?? [];
  return { generation: Number(generation ?? MOST_HOPS), until: Number(until ?? 0) };
}

export function readFanOut({ onBacklog, fanOut = 1 }: FanOutOptions) {
  return { onBacklog, fanOut: wholeNumber(fanOut, "fanOut", 1, 50) };
}

/**
 * Starts further invocations if a drain stopped at one of its own limits with a backlog.
 *
 * A cron's drain starts `fanOut` of them, each the head of a chain. Every other drain starts at most one. So there are
 * never more at a time than the ticks started, whatever the target does. A chain ends when the backlog is gone, when a
 * hop could start no job, after 60 s, or after 100 hops. An invocation that fails, or does not respond within 10 s, is
 * reported to `onError` and not retried.
 */
export async function startFanOut(
  { onBacklog, fanOut }: ReturnType<typeof readFanOut>,
  report: DrainReport,
  origin: DrainOrigin,
  clock: Clock,
  onError: (error: unknown) => void,
): Promise<void> {
  const next = onBacklog && nextHop(report, origin, clock());
  if (!next) return;
  const headers = { [HEADER]: `${next.generation};${next.until}` };
  const starts = Array.from({ length: origin === "cron" ? fanOut : 1 }, () =>
    inTime(async () => onBacklog(headers), clock),
  );
  for (const started of await Promise.allSettled(starts)) {
    if (started.status === "rejected") onError(started.reason);
  }
}

function inTime(start: () => Promise<unknown>, clock: Clock): Promise<unknown> {
  const noResponse =
    "The next invocation has not responded within 10 s. If it started, it continues on its own. Check the target.";
  return new Promise((resolve, reject) => {
    const cancel = alarm(clock, RESPONSE_WITHIN_MS, () => reject(new Error(noResponse)));
    void start().then(resolve, reject).finally(cancel);
  });
}

function nextHop(
  { backlog, stoppedBy, claimed, released }: DrainReport,
  origin: DrainOrigin,
  now: number,
): Hop | undefined {
  const isLimit = stoppedBy === "maxJobs" || stoppedBy === "timeBudget" || stoppedBy === "budget";
  if (!backlog || !isLimit || claimed === released) return undefined;
  if (origin === "cron" || origin === "request") return { generation: 1, until: now + CHAIN_MS };
  const isOver = origin.generation >= MOST_HOPS || now >= origin.until;
  return isOver ? undefined : { generation: origin.generation + 1, until: origin.until };
}

/** Where `relayTo` sends its requests. */
export interface RelayTarget {
  /** The URL of the handler's `/drain`. With a service binding, the host does not matter. */
  readonly url: string;
  /** A token with the scope `drain`. */
  readonly token: string;
  /**
   * Default: the global `fetch`. On Cloudflare, use a service binding to the Worker itself:
   * `env.SELF.fetch.bind(env.SELF)`.
   */
  readonly fetch?: ((input: string, init: RequestInit) => Promise<Response>) | undefined;
}

/**
 * Makes an `onBacklog` that starts the next invocation with a request.
 *
 * ```ts
 * createHandler({ queue, auth, fanOut: 4, onBacklog: relayTo({ url: "https://example.com/queue/drain", token }) });
 * ```
 *
 * @param target where the request goes, and its token.
 * @throws {TidegateError} `invalid_request` if the URL or the token is missing. Nothing is sent until there is a
 *   backlog.
 */
export function relayTo(target: RelayTarget): NonNullable<FanOutOptions["onBacklog"]> {
  const given = knownOptions(target, ["url", "token", "fetch"], "relayTo");
  checkFunctions(given, ["fetch"]);
  const { url, token, fetch = globalThis.fetch } = given;
  if (typeof url !== "string" || !URL.canParse(url))
    throw invalidRequest("relayTo needs the url of the handler's /drain.");
  if (typeof token !== "string" || token === "") throw invalidRequest("relayTo needs a token with the scope drain.");
  return async (headers) => {
    const response = await post(fetch, url, { ...headers, Authorization: `Bearer ${token}` });
    if (!response.ok) throw new Error(`The next invocation was refused with status ${response.status}.`);
  };
}
