import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { ensureRedis } from "../scripts/ensure-redis.ts";
import { colorsFor } from "../src/cli/output/text.ts";
import { showProgress } from "../test/support/progress.ts";
import { costRows } from "./costs.ts";
import { resultTable } from "./pages/benchmarks.ts";
import { pagesOf } from "./pages/index.ts";
import { type Bench, type Effort, effortOf } from "./part.ts";
import { commands } from "./parts/commands.ts";
import { distance } from "./parts/distance.ts";
import { fairness } from "./parts/fairness.ts";
import { heart } from "./parts/heart.ts";
import { latency } from "./parts/latency.ts";
import { memory } from "./parts/memory.ts";
import { parallel } from "./parts/parallel.ts";
import { speed } from "./parts/speed.ts";
import { workerd } from "./parts/workerd.ts";
import { machine, merged, type Results, type Row } from "./results.ts";
import { Stage } from "./stage.ts";

const parts = { heart, commands, speed, latency, memory, parallel, distance, fairness, workerd };
type PartName = keyof typeof parts;
const partNames = Object.keys(parts) as PartName[];

const RESULTS = "bench/results.json";

const HELP = `npm run bench -- [parts] [--quick | --million] [--write]

  parts      ${partNames.join(", ")}. Default: all
  --quick    a tenth of the jobs and two runs of each: to see whether everything works
  --million  speed and latency with 1,000,000 waiting jobs too
  --write    put the results into bench/results.json and the pages and plots in docs/; on a machine that is not the one of
             results.json, this needs all parts
`;

const options = {
  quick: { type: "boolean", default: false },
  million: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** Reads the command line. If an option is unknown, it prints an error and exits. */
function readArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
    return process.exit(2);
  }
}

/** Runs the requested parts. @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args);
  const chosen = partNames.filter((name) => positionals.length === 0 || positionals.includes(name));
  const isUnknown = positionals.some((name) => !(partNames as readonly string[]).includes(name));
  if (values.help || isUnknown || (values.quick && values.million)) {
    process.stderr.write(HELP);
    return values.help ? 0 : 2;
  }
  const here = machine(versions());
  const stored = chosen.length < partNames.length ? storedResults() : undefined;
  if (values.write && stored && stored.machine !== here) {
    process.stderr.write(
      `bench/results.json was made on another machine (${stored.machine}). Write all parts at once.\n`,
    );
    return 2;
  }
  const startedAt = Date.now();
  const effort = effortOf({ isQuick: values.quick, isMillion: values.million });
  const rows = await measure(chosen, effort);
  const run = {
    parts: chosen,
    date: new Date(startedAt).toISOString(),
    command: ["npm run bench", ...(args.length > 0 ? ["--"] : []), ...args].join(" "),
    seconds: Math.round((Date.now() - startedAt) / 1_000),
  };
  const results: Results = {
    machine: here,
    runs: [run],
    rows: chosen.includes("commands") ? [...rows, ...costRows(rows)] : rows,
  };
  process.stdout.write(`${resultTable(results, colorsFor(process.stdout, process.env))}\n`);
  if (values.write) await write(merged(stored, results));
  const missed = rows.filter(({ isMissed }) => isMissed);
  for (const { what, unit } of missed) process.stderr.write(`Below its goal: ${what} (${unit}).\n`);
  return missed.length > 0 ? 1 : 0;
}

function versions(): readonly string[] {
  const require = createRequire(import.meta.url);
  const versionOf = (name: string): string => require(`${name}/package.json`).version;
  return [
    `redis-server ${ensureRedis()}`,
    `BullMQ ${versionOf("bullmq")}`,
    `Bee-Queue ${versionOf("bee-queue")}`,
    `workerd of wrangler ${versionOf("wrangler")}`,
  ];
}

async function measure(chosen: readonly PartName[], effort: Effort): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [index, part] of chosen.entries()) {
    const stage = await Stage.open();
    const startedAt = Date.now();
    const bench: Bench = {
      stage,
      effort,
      progress: (text) => showProgress(`${part} (${index + 1} of ${chosen.length}): ${text}`),
      add: (row) => void rows.push({ part, ...row }),
    };
    try {
      await parts[part](bench);
    } finally {
      await stage.close();
      showProgress("");
    }
    process.stderr.write(`${part}: ${Math.round((Date.now() - startedAt) / 1_000)} s\n`);
  }
  return rows;
}

function storedResults(): Results | undefined {
  return existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : undefined;
}

/**
 * Writes the results, and the pages made from them: `npm run docs -- benchmarks` makes the pages again without a run.
 */
async function write(results: Results): Promise<void> {
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  for (const [file, content] of pagesOf(results)) await writeFile(file, content);
}

process.exitCode = await main(process.argv.slice(2));
