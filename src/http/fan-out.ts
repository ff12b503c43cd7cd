import type { DrainReport } from "../core/drain/report.ts";
import { type Clock, sleep } from "../core/shared/clock.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { checkFunctions, checkKnown, wholeNumber } from "../core/shared/validate.ts";

/** How further invocations are started when a drain stops with a backlog. */
export interface FanOutOptions {
  /**
   * Starts one more invocation: sends `POST /drain` to this handler with the headers given and a drain token, through a
   * service binding or to the own address. `relayTo` makes one. Without it a backlog waits for the next tick.
   */
  readonly onBacklog?: (headers: Readonly<Record<string, string>>) => unknown;
  /** How many to start at once when a cron's drain stops with a backlog: 1 to 50. Default 1. */
  readonly fanOut?: number;
}

/** One invocation of a chain: which one it is, from 1, and until when the chain may go on (ms since 1970). */
interface Hop {
  readonly generation: number;
  readonly until: number;
}

/** Whose drain it was: a cron's, one that a chain started, or somebody else's. */
export type DrainOrigin = "cron" | "request" | Hop;

const HEADER = "tidegate-relay";
/** A chain ends when the next tick of a cron can take over. */
const CHAIN_MS = 60_000;
const MOST_HOPS = 100;

/** Reads where a drain that came by HTTP belongs. What is no link of a chain ends it. */
export function readHop(header: string | undefined): Hop | undefined {
  if (header === undefined) return undefined;
  const [, generation, until] = /^(\d{1,3});(\d{1,15})$/.exec(header) ?? [];
  return { generation: Number(generation ?? MOST_HOPS), until: Number(until ?? 0) };
}

/** Checks the options. @throws {TidegateError} `invalid_request` */
export function readFanOut({
  onBacklog,
  fanOut = 1,
}: FanOutOptions): Required<Pick<FanOutOptions, "fanOut">> & FanOutOptions {
  return { fanOut: wholeNumber(fanOut, "fanOut", 1, 50), ...(onBacklog && { onBacklog }) };
}

/**
 * Starts further invocations if a drain stopped at a limit of its own with a backlog.
 *
 * A cron's drain starts `fanOut`, each the head of a chain; every other one starts at most one. So there are never more at a time
 * than ticks started, whatever the target does: a chain ends with the backlog, with a link that could start nothing, after
 * 60 s, and after 100 links. What fails, or has not answered within 10 s, is told to `onError`, and not tried again.
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
    answered(async () => onBacklog(headers), clock),
  );
  for (const started of await Promise.allSettled(starts)) {
    if (started.status === "rejected") onError(started.reason);
  }
}

/** How long a drain waits at most for the answer of an invocation that it starts. */
const ANSWERS_WITHIN_MS = 10_000;

const noAnswer = () =>
  new Error(
    "The next invocation has not answered within 10 s. If it was started, it goes on by itself. Check the target.",
  );

/** Waits for a start, and not for ever. @throws what it throws, and an error where it takes too long. */
async function answered(start: () => Promise<unknown>, clock: Clock): Promise<void> {
  const timer = new AbortController();
  const tooLate = sleep(clock, ANSWERS_WITHIN_MS, timer.signal).then(() => Promise.reject(noAnswer()));
  try {
    await Promise.race([start(), tooLate]);
  } finally {
    tooLate.catch(() => {});
    timer.abort();
  }
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
  /** The address of the handler's `/drain`. With a service binding its host does not matter. */
  readonly url: string;
  /** A token with the scope `drain`. */
  readonly token: string;
  /** Default: the global one. On Cloudflare that of a service binding to the Worker itself: `env.SELF.fetch.bind(env.SELF)`. */
  readonly fetch?: (input: string, init: RequestInit) => Promise<Response>;
}

/**
 * Makes an `onBacklog` that starts the next invocation by a request.
 *
 * ```ts
 * createHandler({ queue, auth, fanOut: 4, onBacklog: relayTo({ url: "https://example.com/queue/drain", token }) });
 * ```
 *
 * @param target where the request goes, and with which token.
 * @throws {TidegateError} `invalid_request` where the address or the token is missing. Nothing is sent before there is a backlog.
 */
export function relayTo(target: RelayTarget): NonNullable<FanOutOptions["onBacklog"]> {
  checkKnown(target, ["url", "token", "fetch"], "relayTo");
  checkFunctions(target, ["fetch"]);
  const { url, token, fetch = globalThis.fetch } = target;
  if (typeof url !== "string" || !URL.canParse(url))
    throw invalidRequest("relayTo needs the url of the handler's /drain.");
  if (typeof token !== "string" || token === "") throw invalidRequest("relayTo needs a token with the scope drain.");
  return async (headers) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The next invocation was refused with status ${response.status}.`);
  };
}
