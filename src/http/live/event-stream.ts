import { isLast, type JobEvent, jobEvent } from "../../core/manage/job-event.ts";
import type { JobInfo } from "../../core/manage/job-info.ts";
import { utf8 } from "../../core/shared/bytes.ts";
import { alarm, sleep } from "../../core/shared/clock.ts";
import { notFound } from "../../core/shared/errors.ts";
import { fnv1a } from "../../core/shared/hash.ts";
import { hasScope } from "../auth.ts";
import { unavailable } from "../contract/problems.ts";
import { jobEvents } from "../contract/shape.ts";
import { type Call, replyEmpty, replyText } from "../routes/route.ts";
import type { Reading } from "./readings.ts";
import { HEARTBEAT_MS } from "./viewers.ts";

/** How long an `EventSource` waits before it resumes. */
const RESUMES_AFTER_MS = 1_000;

interface Watch {
  readonly call: Call;
  readonly eventOf: (job: JobInfo | null) => JobEvent;
  readonly first: Reading;
  /** In ms since 1970. */
  readonly endsAt: number;
  /** How many readings the stream may make. */
  readonly mayRead: () => boolean;
  readonly onRead: () => void;
}

/**
 * The id of an event is a hash of what it says. So a viewer that resumes gets only what it has not seen; one that has
 * seen the last event gets 204, which tells an `EventSource` to stop.
 *
 * @param shown makes of a job what the caller may see of it; null for a job of others, which has taken the id since.
 */
export async function streamEvents(call: Call, shown: (job: JobInfo) => JobInfo | null): Promise<Response> {
  const { queue, target, viewers, caller, lastEventId, bounds, endsAt } = call;
  const now = queue.clock();
  const viewer = { isTrusted: hasScope(caller, ["read", "admin"]), job: `${queue.name}/${target}`, caller };
  if (!viewers.admit(viewer, now))
    return unavailable("Too many viewers", "This server shows jobs to as many viewers as it may. Try again soon.");
  const dismiss = () => viewers.dismiss(viewer);
  try {
    let left = bounds()().roundTrips;
    const onRead = () => void left--;
    const first = await viewers.readings.first(queue, target, onRead);
    const eventOf = (job: JobInfo | null) => jobEvent(job && shown(job), caller.watches?.results ?? true);
    const event = eventOf(first.job);
    if (event.state === "gone")
      throw notFound("No job has this id. Completed jobs are kept only for the queue's retention.");
    if (isLast(event) && idOf(JSON.stringify(event)) === lastEventId) {
      dismiss();
      return replyEmpty();
    }
    const ends = Math.min(now + viewers.maxDurationMs, caller.watches?.expiresAt ?? endsAt, endsAt);
    const watch = { call, eventOf, first, endsAt: ends, mayRead: () => left > 0, onRead };
    const stream = streamOf(watch, () => viewers.see(viewer, queue.clock()), dismiss);
    const response = replyText(stream, jobEvents.contentType);
    // Keeps nginx from holding events back.
    response.headers.set("X-Accel-Buffering", "no");
    return response;
  } catch (error) {
    dismiss();
    throw error;
  }
}

/**
 * Nothing is read of the store before the stream is read, and nothing after it has ended: also if whoever reads it
 * stops and does not say so.
 */
function streamOf(watch: Watch, onChunk: () => void, dismiss: () => void): ReadableStream<Uint8Array> {
  const { call, endsAt } = watch;
  const { clock } = call.queue;
  const stop = new AbortController();
  const end = () => {
    cancelAlarm();
    call.signal?.removeEventListener("abort", end);
    stop.abort();
    dismiss();
  };
  const cancelAlarm = alarm(clock, Math.max(endsAt - clock(), 0), end);
  call.signal?.addEventListener("abort", end);
  // The caller may have hung up during the first reading.
  if (call.signal?.aborted) end();
  const chunks = chunksOf(watch, onChunk, stop.signal);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (!done) return controller.enqueue(utf8(value));
        end();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

async function* chunksOf(watch: Watch, onChunk: () => void, signal: AbortSignal): AsyncGenerator<string, void> {
  const { call, eventOf, first, endsAt, mayRead, onRead } = watch;
  const { queue, target, viewers, lastEventId } = call;
  const { clock } = queue;
  let seen = lastEventId;
  let chunk = `retry: ${RESUMES_AFTER_MS}\n\n`;
  let sentAt = clock();
  for (let reading = first; ; reading = await viewers.readings.latest(queue, target, reading, onRead)) {
    onChunk();
    const event = eventOf(reading.job);
    const text = JSON.stringify(event);
    const id = idOf(text);
    if (id !== seen) chunk += `id: ${id}\ndata: ${text}\n\n`;
    seen = id;
    if (chunk === "" && clock() - sentAt >= HEARTBEAT_MS) chunk = ":\n\n";
    if (chunk !== "") {
      yield chunk;
      chunk = "";
      sentAt = clock();
    }
    if (isLast(event)) return;
    await sleep(clock, Math.min(reading.nextAt, sentAt + HEARTBEAT_MS, endsAt) - clock(), signal);
    if (signal.aborted || clock() >= endsAt || !mayRead()) return;
  }
}

function idOf(text: string): string {
  return fnv1a(text).toString(36);
}
