import { QueueClient } from "../../client/index.ts";
import type { FailureGroup } from "../../core/manage/failures.ts";
import type { JobInfo } from "../../core/manage/job-info.ts";
import type { QueueBrief } from "../../core/manage/stats.ts";
import { spent } from "../../core/queue/queues.ts";
import { fetchWithTimeout } from "../fetch-with-timeout.ts";
import { queuesOf, readQueues } from "../queues.ts";
import type { Session } from "../session.ts";
import type { AnyQueue, Target } from "../target.ts";

/** Of how many queues running jobs are read, how many jobs of each, and how many groups of failures are shown. */
const MOST = { queues: 3, running: 10, failures: 5 } as const;

/** What a handler spends on them as a rule. It says only what the list of queues costs. */
const COMMANDS = { running: 5, failures: 12 } as const;

/** A running job, without its payload. */
export type RunningJob = Pick<JobInfo, "id" | "name" | "queue" | "attempts" | "maxRetries" | "startedAt">;
/** A group of dead jobs, and their queue. */
export type Failure = FailureGroup & { readonly queue: string };

/** What the queues of a target do at one moment. */
export interface Look {
  readonly at: Date;
  readonly queues: readonly QueueBrief[];
  /** Of the queues with the most running jobs. */
  readonly running: readonly RunningJob[];
  /** Those of which jobs died last. */
  readonly failures: readonly Failure[];
  /** What the look cost, in commands. Estimated if a handler answered. */
  readonly commands: number;
}

/**
 * Looks at the queues of a target again and again. Where nothing has happened since the look before, that is all it
 * reads.
 */
export class Looks {
  readonly #target: Target;
  readonly #session: Session;
  readonly #isOne: boolean;
  readonly #failures = new Map<string, { readonly of: string; readonly groups: readonly Failure[] }>();
  #last: Look | undefined;
  #readAt = 0;
  #mark = "";

  /** @param isOne whether the user has named one queue. */
  constructor(target: Target, session: Session, isOne: boolean) {
    this.#target = target;
    this.#session = session;
    this.#isOne = isOne;
  }

  /** @throws {TidegateError} as the target does; `not_found` if its handler serves no such queue. */
  async next(): Promise<Look> {
    const own = this.#target.kind === "handler" ? [] : queuesOf(this.#target);
    const before = spent(own);
    const at = new Date(this.#session.now);
    const list = await readQueues(this.#target, this.#session, this.#hasComeDue(at) ? "" : this.#mark);
    if (!list.queues && this.#last) return { ...this.#last, at, commands: list.commands };
    const queues = list.queues ?? [];
    const busy = queues
      .filter(({ stats }) => stats.runningCount > 0)
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

  /** Whether time alone has changed the counts: then a mark does not show it. */
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

/** Changes when jobs die, are retried or are removed. */
function deathsOf({ stats }: QueueBrief): string {
  return `${stats.totalFailed} ${stats.deadLetterCount}`;
}
