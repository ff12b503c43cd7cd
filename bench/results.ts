import { cpus, totalmem } from "node:os";
import type { Figure } from "./figures.ts";

/** One measurement. */
export interface Row {
  readonly part: string;
  readonly what: string;
  readonly unit: string;
  /** By column: mostly the name of a system. */
  readonly figures: Readonly<Record<string, Figure>>;
  readonly remark?: string;
  /** Whether it is too far below its goal: the run fails. */
  readonly isMissed?: true;
}

/** One run of the benchmark. */
export interface BenchmarkRun {
  /** What it measured. */
  readonly parts: readonly string[];
  readonly date: string;
  /** The command that reproduces these results. */
  readonly command: string;
  readonly seconds: number;
}

/** What is known of one machine. Each part comes from one run, so that what it compares does too. */
export interface Results {
  readonly machine: string;
  readonly runs: readonly BenchmarkRun[];
  readonly rows: readonly Row[];
}

/** The results with those of a new run in place of what it measured again. */
export function merged(stored: Results | undefined, fresh: Results): Results {
  if (!stored) return fresh;
  const parts = new Set([...fresh.runs.flatMap((run) => run.parts), ...fresh.rows.map(({ part }) => part)]);
  const runs = stored.runs
    .map((run) => ({ ...run, parts: run.parts.filter((part) => !parts.has(part)) }))
    .filter((run) => run.parts.length > 0);
  const rows = stored.rows.filter(({ part }) => !parts.has(part));
  return { machine: fresh.machine, runs: [...runs, ...fresh.runs], rows: [...rows, ...fresh.rows] };
}

const titles: Readonly<Record<string, string>> = {
  "tidegate-tcp-unobserved": "Tidegate, TCP, without observe",
  tidegate: "Tidegate",
  first: "First version",
  "first-tcp": "First version, TCP",
  measured: "Measured",
  goal: "Goal",
  "tidegate-tcp": "Tidegate, TCP",
  "tidegate-elsewhere": "Tidegate, looking each 100 ms",
  bullmq: "BullMQ",
  "bee-queue": "Bee-Queue",
};

/** The head of a column. */
export function titleOf(column: string): string {
  return titles[column] ?? column;
}

export function rowsOf({ rows }: Pick<Results, "rows">, part: string): readonly Row[] {
  return rows.filter((row) => row.part === part);
}

/** All columns of some rows, in the order of their first appearance. */
export function columnsOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
}

/** A measurement. @throws {Error} if it was not made. */
export function measured(rows: readonly Row[], part: string, what: string, unit: string, column = "tidegate"): Figure {
  const row = rows.find((each) => each.part === part && each.what === what && each.unit === unit);
  const figure = row?.figures[column];
  if (!figure) throw new Error(`The results have no "${what}" of ${column} in ${unit}, in the part "${part}".`);
  return figure;
}

/** @param versions what was measured, such as `BullMQ 6.7.0`. */
export function machine(versions: readonly string[]): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  const processor = cpus()[0]?.model.trim() || process.arch;
  return [`${cpus().length} cores (${processor}), ${memory} GB; Node ${process.versions.node}`, ...versions].join(", ");
}
