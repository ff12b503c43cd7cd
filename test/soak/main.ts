import { readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import type { SoakResult } from "../../scripts/docs/soak.ts";
import { ensureRedis } from "../../scripts/ensure-redis.ts";
import { type Column, table } from "../../src/cli/output/table.ts";
import { colorsFor } from "../../src/cli/output/text.ts";
import { showProgress } from "../support/progress.ts";
import type { Part } from "./part.ts";
import { alerts } from "./parts/alerts.ts";
import { children } from "./parts/children.ts";
import { crashes, keys } from "./parts/crashes.ts";
import { cron } from "./parts/cron.ts";
import { deliveries } from "./parts/deliveries.ts";
import { http } from "./parts/http.ts";
import { model } from "./parts/model.ts";
import { network } from "./parts/network.ts";
import { overload } from "./parts/overload.ts";
import { poison } from "./parts/poison.ts";
import { steps } from "./parts/steps.ts";
import { tokens } from "./parts/tokens.ts";

const parts: Readonly<Record<string, Part>> = {
  ...{ model, crashes, keys, children, steps, deliveries, alerts, network, http, tokens, overload, poison, cron },
};
const sizeNames = Object.values(parts).flatMap(({ sizes }) => Object.keys(sizes));
const RESULTS = "docs/soak.json";

interface Wishes {
  readonly seed: number;
  readonly share: number;
  readonly sizes: Readonly<Record<string, number>>;
}

const HELP = `npm run soak -- [parts] [--seed N] [--share F] [--write] [--SIZE N]

Tries to break what docs/internals/guarantees.md promises. Parts, and their sizes in full:

${Object.entries(parts)
  .map(([name, { about, sizes }]) => `  ${name.padEnd(9)} ${sizesText(sizes)}\n            ${about}`)
  .join("\n")}

  --seed   where chance begins. Default: drawn, and told
  --share  what share of each size is done, such as 0.01. Default 1
  --write  keep what was found in ${RESULTS}, for \`npm run docs -- soak\`
`;

function sizesText(sizes: Part["sizes"]): string {
  return Object.entries(sizes)
    .map(([name, full]) => `--${name} ${full}`)
    .join(" ");
}

/** Runs the requested parts. @returns the exit code: 1 if a promise was broken */
export async function main(args: readonly string[]): Promise<number> {
  const wishes = readArguments(args);
  if (!wishes) {
    process.stderr.write(HELP);
    return args.includes("--help") ? 0 : 2;
  }
  ensureRedis();
  const results: Record<string, SoakResult> = {};
  let broken = 0;
  for (const name of wishes.chosen) {
    try {
      results[name] = await runPart(name, wishes);
    } catch (error) {
      broken++;
      showProgress(`${name} found something, with --seed ${wishes.seed}:\n`);
      console.error(error);
    }
  }
  process.stdout.write(`${resultTable(results)}\n\n`);
  if (wishes.write) await keep(results);
  return broken > 0 ? 1 : 0;
}

function readArguments(args: readonly string[]) {
  const options = Object.fromEntries(
    ["seed", "share", ...sizeNames].map((name) => [name, { type: "string" as const }]),
  );
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...options, write: { type: "boolean" }, help: { type: "boolean" } },
  });
  const number = (name: string, otherwise: number) => Number(values[name as keyof typeof values] ?? otherwise);
  const given = sizeNames.filter((name) => name in values);
  const seed = number("seed", Math.floor(Math.random() * 2 ** 31));
  const sizes = Object.fromEntries(given.map((name) => [name, number(name, 0)]));
  const chosen = positionals.length > 0 ? positionals : Object.keys(parts);
  const share = number("share", 1);
  const numbers = [seed, share, ...Object.values(sizes)];
  if (values.help || chosen.some((name) => !(name in parts)) || !numbers.every((each) => each > 0 || each === seed))
    return undefined;
  return { seed, share, sizes, chosen, write: values.write ?? false };
}

async function runPart(name: string, { seed, share, sizes }: Wishes): Promise<SoakResult> {
  const part = parts[name] as Part;
  const done = Object.fromEntries(
    Object.entries(part.sizes).map(([size, full]) => [size, sizes[size] ?? Math.max(1, Math.ceil(full * share))]),
  );
  const startedAt = Date.now();
  const figures = await part.run({
    seed,
    size: (size) => done[size] as number,
    progress: progressOf(name),
  });
  const options = Object.entries(done).map(([size, number]) => `--${size} ${number}`);
  showProgress("");
  return {
    date: new Date(startedAt).toISOString(),
    command: ["npm run soak --", name, ...options, `--seed ${seed}`].join(" "),
    seed,
    seconds: Math.round((Date.now() - startedAt) / 1_000),
    machine: `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, redis-server ${ensureRedis()}`,
    sizes: Object.fromEntries(
      Object.entries(part.sizes).map(([size, full]) => [size, { done: done[size] as number, full }]),
    ),
    figures,
  };
}

/** Shows the progress of a part: continuously on a terminal, otherwise at each tenth. */
function progressOf(name: string): (done: number, of: number) => void {
  let lastTenth = 0;
  return (done, of) => {
    const tenth = Math.floor((done / of) * 10);
    if (process.stderr.isTTY || tenth > lastTenth)
      showProgress(`${name}: ${done.toLocaleString("en-US")} of ${of.toLocaleString("en-US")}`);
    lastTenth = tenth;
  };
}

interface Row {
  readonly part: string;
  readonly what: string;
  readonly figure: string;
}

const columns: readonly Column<Row>[] = [
  { title: "part", cell: ({ part }) => part },
  { title: "counted", cell: ({ what }) => what },
  { title: "", cell: ({ figure }) => figure, align: "right" },
];

function resultTable(results: Readonly<Record<string, SoakResult>>): string {
  const rows = Object.entries(results).flatMap(([part, { figures, seconds, sizes }]) => {
    const shares = Object.entries(sizes).map(([size, { done, full }]) => `${done} of ${full} ${size}`);
    const counted = { ...figures, [`seconds, for ${shares.join(", ")}`]: seconds };
    return Object.entries(counted).map(([what, figure]) => ({ part, what, figure: figure.toLocaleString("en-US") }));
  });
  return table(columns, rows, { colors: colorsFor(process.stdout, process.env) });
}

/** Replaces earlier results of the same parts. */
async function keep(results: Readonly<Record<string, SoakResult>>): Promise<void> {
  const before = await readFile(RESULTS, "utf8").catch(() => "{}");
  const all: Record<string, SoakResult> = { ...JSON.parse(before), ...results };
  const inOrder = Object.keys(parts).flatMap((name) => (all[name] ? [[name, all[name]] as const] : []));
  await writeFile(RESULTS, `${JSON.stringify(Object.fromEntries(inOrder), null, 2)}\n`);
}
