import type { AnyJob } from "../core/job/define.ts";
import { isLast, type JobEventOf } from "../core/manage/job-event.ts";
import { alarm, sleep } from "../core/shared/clock.ts";
import { invalidRequest, TidegateError } from "../core/shared/errors.ts";
import { type QueueClientOptions, read } from "./transport.ts";

/** Which job to watch, and how to reach it. */
export interface WatchJobOptions extends Pick<QueueClientOptions, "fetch"> {
  /**
   * Where the handler is, such as "https://example.com/queue". With a token that does not name the job, as one with the
   * scope `read`: the address of the stream, such as "https://example.com/queue/jobs/ID/events".
   */
  readonly url: string | URL;
  /** The result of `queue.watchToken`. It is sent in a header, so that no log of addresses has it. */
  readonly token: string;
  /** Ends the iteration, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Waits before the next request: about this long, and twice as long after each failure, up to the longest. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** The handler sends something every 15 s. A connection without is broken, even if nobody has said so. */
const SILENT_MS = 45_000;
/** How many requests may fail before the first that succeeds: then the address is probably wrong. */
const MOST_AT_FIRST = 3;

/** A stream that several connections continue. */
interface Stream {
  readonly address: string;
  /** The id of the last event, so that the next connection does not repeat it; "" if there was none. */
  lastId: string;
  /** How many connections in a row have brought nothing. */
  failures: number;
}

/**
 * Shows what becomes of a job: its state and progress now, and again whenever they change. The iteration ends after
 * an event with the state "completed", "dead" or "gone".
 *
 * ```ts
 * for await (const { state, progress } of watchJob({ url: "https://example.com/queue", token })) show(state, progress);
 * ```
 *
 * If the connection breaks, it connects again, less and less often while that fails, and repeats nothing that has not
 * changed. `watchJob<typeof importRows>(...)` knows the type of the result.
 *
 * @throws {TidegateError} `unauthorized` if the token is not valid or has expired; `forbidden`; `not_found` if no job
 *   has the id; `store_unavailable` if the first three requests get no response from the handler.
 */
export async function* watchJob<Job extends AnyJob = AnyJob>(
  options: WatchJobOptions,
): AsyncGenerator<JobEventOf<Job>, void, void> {
  const { signal } = options;
  const stream: Stream = { address: checked(addressOf(options)), lastId: "", failures: 0 };
  for (;;) {
    let isHandedOut = false;
    try {
      for await (const event of eventsOf<JobEventOf<Job>>(stream, options)) {
        isHandedOut = true;
        yield event;
        isHandedOut = false;
        if (isLast(event)) return;
      }
    } catch (error) {
      // What the caller has thrown into the iteration is theirs.
      if (isHandedOut) throw error;
      signal?.throwIfAborted();
      const isFinal = error instanceof TidegateError && error.code !== "store_unavailable";
      if (isFinal || (!stream.lastId && stream.failures + 1 >= MOST_AT_FIRST)) throw error;
    }
    // Viewers whose server was restarted do not all come back at once.
    const wait = Math.min(FIRST_WAIT_MS * 2 ** stream.failures++, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
    await sleep(Date.now, wait, signal);
  }
}

async function* eventsOf<Event>(stream: Stream, options: WatchJobOptions): AsyncGenerator<Event, void, void> {
  const { token, signal, fetch: send = (request) => fetch(request) } = options;
  signal?.throwIfAborted();
  const off = new AbortController();
  let parts: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const stop = () => {
    off.abort();
    // A fetch of your own may not honour signals.
    parts?.cancel().catch(() => {});
  };
  let hush = alarm(Date.now, SILENT_MS, stop);
  signal?.addEventListener("abort", stop);
  try {
    parts = await connect(stream, token, off.signal, send);
    const decoder = new TextDecoder();
    let text = "";
    for (let part = await parts.read(); !part.done; part = await parts.read()) {
      hush();
      hush = alarm(Date.now, SILENT_MS, stop);
      const blocks = (text + decoder.decode(part.value, { stream: true })).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        // What is not from the handler is no success, however long the connection lasts.
        const known = /^(?:id: (.+)\ndata: (.+)|retry: |:)/.exec(block);
        if (!known) continue;
        const [, id, data] = known;
        const event = data && JSON.parse(data);
        stream.failures = 0;
        if (!id) continue;
        stream.lastId = id;
        yield event;
      }
    }
  } finally {
    hush();
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

/** @throws {TidegateError} also for a response of another service */
async function connect(
  { address, lastId }: Stream,
  token: string,
  signal: AbortSignal,
  send: NonNullable<WatchJobOptions["fetch"]>,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const headers = { Authorization: `Bearer ${token}`, ...(lastId && { "Last-Event-ID": lastId }) };
  const response = await Promise.resolve(send(new Request(address, { headers, redirect: "manual", signal }))).catch(
    () => undefined,
  );
  const { status = 0, body, headers: got } = response ?? {};
  if (status === 200 && body && got?.get("content-type")?.startsWith("text/event-stream")) return body.getReader();
  return read("-", [status, await response?.json().catch(() => undefined)]);
}

/** @throws {TidegateError} `invalid_request` for an address that no request can have */
function checked(address: string): string {
  try {
    new Request(address);
  } catch {
    throw invalidRequest("url must be a whole URL without user name and password, such as https://example.com/queue.");
  }
  return address;
}

/** A watch token names its queue and job, as they stand in a path. */
function addressOf({ url, token }: WatchJobOptions): string {
  const base = `${url ?? ""}`.replace(/\/+$/, "");
  if (!base || !token) throw invalidRequest(`${base ? "token" : "url"} is not set.`);
  if (base.endsWith("/events")) return base;
  const [, claims] = /^watch\.([\w-]+)\./.exec(token) ?? [];
  if (!claims)
    throw invalidRequest("url must be that of the stream, as in /jobs/ID/events, unless token is a watch token.");
  const [queue, id] = atob(claims.replaceAll("-", "+").replaceAll("_", "/")).split(":");
  return `${base}/queues/${queue}/jobs/${id}/events`;
}
