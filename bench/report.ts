import { cpus, totalmem } from "node:os";
import { type Column, table } from "../src/cli/output/table.ts";
import type { Colors } from "../src/cli/output/text.ts";

/** One thing measured. */
export interface Row {
  readonly part: string;
  readonly what: string;
  readonly unit: string;
  readonly tidegate: number;
  readonly bullmq?: number;
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

export function machine(redisVersion: string, bullmqVersion: string): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  const processor = cpus()[0]?.model.trim() || process.arch;
  return (
    `${cpus().length} cores (${processor}), ${memory} GB; Node ${process.versions.node}, redis-server ${redisVersion}, ` +
    `BullMQ ${bullmqVersion}`
  );
}

export function figure(value: number | undefined): string {
  if (value === undefined) return "";
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3;
  const text = value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return digits > 0 && Number.isInteger(value) ? String(value) : text;
}

const columns: readonly Column<Row>[] = [
  { title: "part", cell: ({ part }) => part },
  { title: "measured", cell: ({ what }) => what },
  { title: "unit", cell: ({ unit }) => unit },
  { title: "Tidegate", cell: ({ tidegate }) => figure(tidegate), align: "right" },
  { title: "BullMQ", cell: ({ bullmq }) => figure(bullmq), align: "right" },
  { title: "", cell: ({ remark = "" }) => remark },
];

export function resultTable(rows: readonly Row[], colors: Colors): string {
  return table(columns, rows, { colors });
}

export function markdown({ date, machine, command, seconds, rows }: Results): string {
  const parts = [...new Set(rows.map(({ part }) => part))];
  return [
    "# Benchmarks",
    "",
    `<!-- Written by \`${command}\`. Change bench/, not this file. -->`,
    "",
    `Made on ${date.slice(0, 10)} by \`${command}\` in ${seconds} s, on a shared machine: ${machine}. Redis, the REST shim`,
    "and every worker are processes of their own on these cores and compete for them. Each speed is the fastest of several runs.",
    "",
    "Tidegate speaks HTTP, through a shim that answers as Upstash's REST API does; BullMQ speaks TCP, with ioredis. Both use the",
    "same redis-server in the same run, and keep finished jobs. Handlers are empty, payloads have 100 bytes. Commands are counted by",
    "Redis (`INFO commandstats`), those inside scripts included. What the figures mean for a real queue is told in",
    "[scaling](./scaling.md).",
    ...parts.flatMap((part) => [
      "",
      `## ${part}`,
      "",
      `\`npm run bench -- ${part}\``,
      "",
      "| | unit | Tidegate | BullMQ | |",
      "|---|---|--:|--:|---|",
      ...rows
        .filter((row) => row.part === part)
        .map(
          (row) =>
            `| ${row.what} | ${row.unit} | ${figure(row.tidegate)} | ${figure(row.bullmq)} | ${row.remark ?? ""} |`,
        ),
    ]),
    "",
  ].join("\n");
}
