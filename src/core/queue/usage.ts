import type { DrainReport } from "../drain/report.ts";
import type { Meter } from "../store/meter.ts";

/** What a `Queue` object has spent in its life, counted call by call. Other isolates and processes count for themselves. */
export interface Spending {
  /** When the object was made. */
  readonly since: Date;
  /** HTTP round trips, resends included. */
  readonly roundTrips: number;
  /** Commands as Upstash bills them; a memory store bills none. */
  readonly commands: number;
  /** Jobs that its drains have completed. */
  readonly completed: number;
  /** Drains that found nothing to do. */
  readonly idleDrains: number;
  /** The commands for those. */
  readonly idleCommands: number;
  /** The commands for reads: jobs, lists, statistics, schedules. An open dashboard makes them, and no job costs them. */
  readonly lookCommands: number;
  /** All commands but those of idle drains and of reads, for each job completed; null before the first. */
  readonly commandsPerJob: number | null;
  /** What looking in vain costs; null before the first time. */
  readonly commandsPerIdleDrain: number | null;
  /** What a month of 30 days costs if it goes on like this; null in the first minute. */
  readonly commandsPerMonth: number | null;
}

const MONTH_MS = 30 * 86_400_000;
const FIRST_MINUTE_MS = 60_000;

/** Counts what a queue spends. */
export class SpendingCounter {
  /** Of the calls that enqueue or change something. */
  readonly work: Meter = { roundTrips: 0, commands: 0 };
  /** Of the calls that read. */
  readonly looks: Meter = { roundTrips: 0, commands: 0 };
  readonly #since: number;
  readonly #drained = { roundTrips: 0, commands: 0, completed: 0, idleDrains: 0, idleCommands: 0 };

  constructor(since: number) {
    this.#since = since;
  }

  add(report: DrainReport): void {
    const { roundTrips, commands, completed, claimed, rearmed } = report;
    this.#drained.roundTrips += roundTrips;
    this.#drained.commands += commands;
    this.#drained.completed += completed;
    if (claimed > 0 || rearmed > 0) return;
    this.#drained.idleDrains++;
    this.#drained.idleCommands += commands;
  }

  total(now: number): Spending {
    const { completed, idleDrains, idleCommands } = this.#drained;
    const lookCommands = this.looks.commands;
    const commands = this.work.commands + lookCommands + this.#drained.commands;
    const elapsed = now - this.#since;
    return {
      since: new Date(this.#since),
      roundTrips: this.work.roundTrips + this.looks.roundTrips + this.#drained.roundTrips,
      commands,
      completed,
      idleDrains,
      idleCommands,
      lookCommands,
      commandsPerJob: completed === 0 ? null : (commands - idleCommands - lookCommands) / completed,
      commandsPerIdleDrain: idleDrains === 0 ? null : idleCommands / idleDrains,
      commandsPerMonth: elapsed < FIRST_MINUTE_MS ? null : Math.round((commands / elapsed) * MONTH_MS),
    };
  }
}
