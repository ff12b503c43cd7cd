import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { ensureRedis } from "../scripts/ensure-redis.mjs";
import { colorsFor } from "../src/cli/output/text.ts";
import type { Bench } from "./part.ts";
import { commands } from "./parts/commands.ts";
import { limit } from "./parts/limit.ts";
import { memory } from "./parts/memory.ts";
import { parallel } from "./parts/parallel.ts";
import { speed } from "./parts/speed.ts";
import { machine, markdown, type Results, type Row, resultTable } from "./report.ts";
import { Stage } from "./stage.ts";

const parts = { commands, speed, memory, parallel, limit };
type PartName = keyof typeof parts;
const partNames = Object.keys(parts) as PartName[];

const HELP = `npm run bench -- [parts] [--million] [--write]

  parts      ${partNames.join(", ")}. Default: all
  --million  speed with 1,000,000 waiting jobs too
  --write    write docs/benchmarks.md; needs all parts
`;

/** Runs the parts that were asked for. @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { million: { type: "boolean" }, write: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  const chosen = partNames.filter((name) => positionals.length === 0 || positionals.includes(name));
  const unknown = positionals.filter((name) => !(partNames as readonly string[]).includes(name));
  if (values.help || unknown.length > 0 || (values.write && chosen.length < partNames.length)) {
    process.stderr.write(HELP);
    return values.help ? 0 : 2;
  }
  const startedAt = Date.now();
  const rows = await measure(chosen, values.million ?? false);
  const results: Results = {
    date: new Date(startedAt).toISOString(),
    machine: machine(ensureRedis(), createRequire(import.meta.url)("bullmq/package.json").version),
    command: ["npm run bench", ...(args.length > 0 ? ["--"] : []), ...args].join(" "),
    seconds: Math.round((Date.now() - startedAt) / 1_000),
    rows,
  };
  process.stdout.write(`${resultTable(rows, colorsFor(process.stdout, process.env))}\n\n${results.machine}\n`);
  await writeFile("bench/results.json", `${JSON.stringify(results, null, 2)}\n`);
  if (values.write) await writeFile("docs/benchmarks.md", markdown(results));
  return 0;
}

async function measure(chosen: readonly PartName[], isMillion: boolean): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const part of chosen) {
    const stage = await Stage.open();
    const bench: Bench = {
      stage,
      isMillion,
      progress: (text) => showProgress(`${part}: ${text}`),
      add: (row) => void rows.push({ part, ...row }),
    };
    try {
      await parts[part](bench);
    } finally {
      await stage.close();
      showProgress("");
    }
  }
  return rows;
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}

process.exitCode = await main(process.argv.slice(2));
