import { QueueClient } from "../../client/index.ts";
import type { FailureGroup } from "../../core/manage/failures.ts";
import type { JobInfo } from "../../core/manage/job-info.ts";
import type { QueueBrief } from "../../core/manage/stats.ts";
import { spent } from "../../core/queue/queues.ts";
import { refreshWaitMs } from "../../core/shared/poll-wait.ts";
import { fetchWithTimeout } from "../fetch-with-timeout.ts";
import { queuesOf, readQueues } from "../queues.ts";
import type { Session } from "../session.ts";
import type { AnyQueue, Target } from "../target.ts";

/** Running jobs are read from so many queues, and so many from each. So many groups of failures are shown. */
const MOST = { queues: 3, running: 10, failures: 5 } as const;

/** What a handler usually spends on each. It reports only the cost of the list of queues. */
const COMMANDS = { running: 5, failures: 12 } as const;

/** The longest wait, unless the user wants a longer one. */
const LONGEST_WAIT_MS = 90_000;

export type RunningJob = Pick<JobInfo, "id" | "name" | "queue" | "attempts" | "maxRetries" | "startedAt">;
export type Failure = FailureGroup & { readonly queue: string };

export interface Snapshot {
  readonly at: Date;
  readonly queues: readonly QueueBrief[];
  readonly running: readonly RunningJob[];
  /** The groups with the latest dead jobs. */
  readonly failures: readonly Failure[];
  /** What the snapshot cost, in commands. An estimate for a handler. */
  readonly commands: number;
}

/** Takes snapshots of the queues of a target. If nothing has changed since the last one, it reads nothing else. */
export class Snapshots {
  readonly #target: Target;
  readonly #session: Session;
  readonly #isOne: boolean;
  readonly #failures = new Map<string, { readonly of: string; readonly groups: readonly Failure[] }>();
  #last: Snapshot | undefined;
  #readAt = 0;
  #mark = "";
  #chosen: string | undefined;

  /** @param isOne whether the user has named one queue. */
  constructor(target: Target, session: Session, isOne: boolean) {
    this.#target = target;
    this.#session = session;
    this.#isOne = isOne;
  }

  /** Reads the running jobs of this queue alone; undefined for the busiest ones. The next snapshot reads everything. */
  choose(queue: string | undefined): void {
    this.#chosen = queue;
    this.#mark = "";
  }

  /** @throws {TidegateError} as the target does; `not_found` if its handler serves no such queue. */
  async next(): Promise<Snapshot> {
    const own = this.#target.kind === "handler" ? [] : queuesOf(this.#target);
    const before = spent(own);
    const at = new Date(this.#session.now);
    const list = await readQueues(this.#target, this.#hasComeDue(at) ? "" : this.#mark);
    if (!list.queues && this.#last) return { ...this.#last, at, commands: list.commands };
    const queues = list.queues ?? [];
    const busy = queues
      .filter(({ queue, stats }) => stats.runningCount > 0 && (this.#chosen === undefined || queue === this.#chosen))
      .sort((one, other) => other.stats.runningCount - one.stats.runningCount)
      .slice(0, MOST.queues);
    const stale = queues.filter((each) => this.#failures.get(each.queue)?.of !== deathsOf(each));
    const [running] = await Promise.all([
      Promise.all(busy.map(({ queue }) => this.#running(queue))),
      Promise.all(stale.map((brief) => this.#readFailures(brief))),
    ]);
    const reads = stale.filter(({ stats }) => stats.deadLetterCount > 0).length;
    const estimate = list.commands + busy.length * COMMANDS.running + reads * COMMANDS.failures;
    this.#mark = list.mark ?? "";
    this.#readAt = at.getTime();
    this.#last = {
      at,
      queues,
      running: running.flat(),
      failures: queues
        .flatMap(({ queue }) => this.#failures.get(queue)?.groups ?? [])
        .sort((one, other) => other.lastAt.getTime() - one.lastAt.getTime())
        .slice(0, MOST.failures),
      // A store that bills nothing for queues bills nothing at all.
      commands: own.length > 0 ? spent(own) - before : list.commands && estimate,
    };
    return this.#last;
  }

  /** Whether time alone has changed the counts. The mark does not show that. */
  #hasComeDue(now: Date): boolean {
    const dueAt = (this.#last?.queues ?? []).flatMap(({ stats }) => stats.nextRunAt?.getTime() ?? []);
    return dueAt.some((at) => at > this.#readAt && at <= now.getTime());
  }

  async #running(queue: string): Promise<readonly RunningJob[]> {
    const { jobs } = await this.#queue(queue).listJobs({ state: "running", limit: MOST.running });
    return jobs.map(({ id, name, queue, attempts, maxRetries, startedAt }) => ({
      ...{ id, name, queue, attempts, maxRetries },
      ...(startedAt && { startedAt }),
    }));
  }

  async #readFailures(brief: QueueBrief): Promise<void> {
    const { queue, stats } = brief;
    const groups = stats.deadLetterCount > 0 ? (await this.#queue(queue).getFailures({ limit: 1_000 })).failures : [];
    this.#failures.set(queue, { of: deathsOf(brief), groups: groups.map((group) => ({ ...group, queue })) });
  }

  #queue(name: string): AnyQueue {
    const target = this.#target;
    if (target.kind !== "handler") return queuesOf(target).find((queue) => queue.name === name) ?? target.queue;
    if (this.#isOne) return target.queue;
    const { url, token } = target;
    return new QueueClient({ url, ...(token && { token }), fetch: fetchWithTimeout(this.#session.io), queue: name });
  }
}

/** A text that changes when a job is dead, retried or removed. */
function deathsOf({ stats }: QueueBrief): string {
  return `${stats.totalFailed} ${stats.deadLetterCount}`;
}

/** How long to wait before the next refresh. @param quiet how many refreshes in a row found no change. */
export function waitBeforeRefresh(everyMs: number, quiet: number, queues: readonly QueueBrief[], now: number): number {
  const dueInMs = queues.map(({ stats }) => (stats.paused ? 0 : Number(stats.nextRunAt) - now));
  return refreshWaitMs(everyMs, Math.max(everyMs, LONGEST_WAIT_MS), quiet, dueInMs);
}
