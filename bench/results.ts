import { cpus, totalmem } from "node:os";
import type { Figure } from "./figures.ts";

/** One thing measured. */
export interface Row {
  readonly part: string;
  readonly what: string;
  readonly unit: string;
  /** By column: mostly the name of a system. */
  readonly figures: Readonly<Record<string, Figure>>;
  readonly remark?: string;
}

export interface Results {
  readonly date: string;
  readonly machine: string;
  /** The command that makes these results again. */
  readonly command: string;
  readonly seconds: number;
  readonly rows: readonly Row[];
}

const titles: Readonly<Record<string, string>> = {
  tidegate: "Tidegate",
  "tidegate-tcp": "Tidegate, TCP",
  "tidegate-elsewhere": "Tidegate, looking each 100 ms",
  bullmq: "BullMQ",
  "bee-queue": "Bee-Queue",
  bare: "bare script",
  "bare-two": "bare script, two loops at once",
};

/** What stands above a column. */
export function titleOf(column: string): string {
  return titles[column] ?? column;
}

export function rowsOf({ rows }: Pick<Results, "rows">, part: string): readonly Row[] {
  return rows.filter((row) => row.part === part);
}

/** All columns of some rows, in the order in which they are met. */
export function columnsOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
}

/** What was measured. @throws {Error} where it was not. */
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
