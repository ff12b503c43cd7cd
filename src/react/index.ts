/**
 * Shows a job in a React component, live.
 *
 * @module tidegate/react
 */

import { useEffect, useState } from "react";
import { type WatchJobOptions, watchJob } from "../client/watch.ts";
import type { AnyJob } from "../core/job/define.ts";
import type { JobEventOf } from "../core/manage/job-event.ts";

/** Which job to show. */
export interface UseJobOptions {
  /** Where the handler is, such as "https://example.com/queue", or the address of the stream: as of `watchJob`. */
  readonly url: string | URL;
  /** The result of `queue.watchToken`. Until there is one, nothing is watched. */
  readonly token: string | null | undefined;
}

/** What is known of the job: nothing while the first event is on its way, and on a server. */
export type WatchedJob<Job extends AnyJob = AnyJob> = Partial<JobEventOf<Job>> & {
  /** Why watching has stopped before the end of the job: see `watchJob`. The other fields stay as they were. */
  readonly watchError?: Error;
};

/**
 * Watches a job while the component is mounted: its state, its progress, and with a token that shows results its result
 * or error. It re-renders whenever one of them changes.
 *
 * ```tsx
 * function Import({ token }: { token: string }) {
 *   const { state, progress, watchError } = useJob({ url: "/queue", token });
 *   if (watchError) return <p>{watchError.message}</p>;
 *   return <p>{state === "completed" ? "Done." : `${progress ?? 0} %`}</p>;
 * }
 * ```
 *
 * Connections that break are resumed, as `watchJob` does. Another url or token starts over. `useJob<typeof
 * importRows>(...)` knows the type of the result. It throws nothing: `watchError` says why it has stopped.
 */
export function useJob<Job extends AnyJob = AnyJob>({ url, token }: UseJobOptions): WatchedJob<Job> {
  const address = String(url);
  const of = `${address} ${token}`;
  const [seen, setSeen] = useState<{ readonly of: string; readonly job: WatchedJob<Job> }>();
  useEffect(() => {
    if (!token) return undefined;
    const stop = new AbortController();
    void follow<Job>({ url: address, token, signal: stop.signal }, (change) =>
      setSeen((last) => ({ of, job: change(last?.of === of ? last.job : {}) })),
    );
    return () => stop.abort();
  }, [address, token, of]);
  return seen?.of === of ? seen.job : {};
}

/** Calls `show` for each event, until the job has ended or the signal is aborted. Never rejects. */
async function follow<Job extends AnyJob>(
  options: WatchJobOptions & { readonly signal: AbortSignal },
  show: (change: (last: WatchedJob<Job>) => WatchedJob<Job>) => void,
): Promise<void> {
  try {
    for await (const event of watchJob<Job>(options)) {
      if (options.signal.aborted) return;
      show(() => event);
    }
  } catch (error) {
    if (!options.signal.aborted) show((last) => ({ ...last, watchError: error as Error }));
  }
}
