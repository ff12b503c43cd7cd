import type { DrainReport } from "../drain/report.ts";
import type { Cost, Meter } from "../store/meter.ts";
import type { SettleReply } from "../store/store.ts";

/**
 * What a `Queue` object has spent since it was created, counted call by call. Calls that failed are included. Other
 * isolates and processes count for themselves.
 */
export interface Spending {
  /** When the object was created. */
  readonly since: Date;
  /** HTTP round trips, resends included. */
  readonly roundTrips: number;
  /** Commands as Upstash bills them. A memory store bills none. */
  readonly commands: number;
  /** Jobs that its drains have completed. */
  readonly completed: number;
  /** Drains that found nothing to do. */
  readonly idleDrains: number;
  /** The commands of those drains. */
  readonly idleCommands: number;
  /** The commands of reads: jobs, lists, statistics, schedules. An open dashboard sends them. */
  readonly lookCommands: number;
  /** All commands except those of idle drains and of reads, per completed job; null before the first. */
  readonly commandsPerJob: number | null;
  /** The commands of an idle drain, on average; null before the first. */
  readonly commandsPerIdleDrain: number | null;
  /** What a month of 30 days costs at this rate; null in the first hour, which says too little. */
  readonly commandsPerMonth: number | null;
}

const MONTH_MS = 30 * 86_400_000;
const FIRST_HOUR_MS = 3_600_000;

export class UsageCounter {
  /** The cost of calls that enqueue or change something. */
  readonly work: Meter = { roundTrips: 0, commands: 0 };
  readonly reads: Meter = { roundTrips: 0, commands: 0 };
  readonly #since: number;
  /** The drains that run. */
  readonly #running = new Set<Cost>();
  #reported = 0;
  readonly #drained = { roundTrips: 0, commands: 0, completed: 0, idleDrains: 0, idleCommands: 0 };

  constructor(since: number) {
    this.#since = since;
  }

  /** Counts what a drain spends, until `end`. */
  begin(drain: Cost): void {
    this.#running.add(drain);
  }

  /** Adds what a drain has spent, whether it has returned or thrown. */
  end(drain: Cost): void {
    this.#running.delete(drain);
    this.#drained.roundTrips += drain.roundTrips;
    this.#drained.commands += drain.commands;
  }

  /** Settles, and reports all that was spent on work, once. If a reply is lost, some of it may be reported again. */
  async report<Reply extends SettleReply>(settle: (spent: number) => Promise<Reply>): Promise<Reply> {
    const spent = Math.max(0, this.#spentOnWork() - this.#reported);
    this.#reported += spent;
    let reported = 0;
    try {
      const reply = await settle(spent);
      reported = reply.reported ?? 0;
      return reply;
    } finally {
      this.#reported += reported - spent;
    }
  }

  #spentOnWork(): number {
    let { commands } = this.#drained;
    for (const drain of this.#running) commands += drain.commands;
    return this.work.commands + commands;
  }

  /** Adds the jobs that a drain has completed, whether it has returned or thrown. */
  noteCompleted(completed: number): void {
    this.#drained.completed += completed;
  }

  /** Counts a drain that has returned as idle, if it found nothing to do. */
  noteIdle({ claimed, rearmed, commands }: DrainReport): void {
    if (claimed > 0 || rearmed > 0) return;
    this.#drained.idleDrains++;
    this.#drained.idleCommands += commands;
  }

  total(now: number): Spending {
    const { completed, idleDrains, idleCommands } = this.#drained;
    const lookCommands = this.reads.commands;
    const commands = this.work.commands + lookCommands + this.#drained.commands;
    const elapsed = now - this.#since;
    return {
      since: new Date(this.#since),
      roundTrips: this.work.roundTrips + this.reads.roundTrips + this.#drained.roundTrips,
      commands,
      completed,
      idleDrains,
      idleCommands,
      lookCommands,
      commandsPerJob: completed === 0 ? null : (commands - idleCommands - lookCommands) / completed,
      commandsPerIdleDrain: idleDrains === 0 ? null : idleCommands / idleDrains,
      commandsPerMonth: elapsed < FIRST_HOUR_MS ? null : Math.round((commands / elapsed) * MONTH_MS),
    };
  }
}
