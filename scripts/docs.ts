// npm run docs: writes the parts of the documentation that are generated from the code. With --check it writes nothing,
// and fails if they differ. It makes the named parts, and without a name all except the slow ones.
import { parseArgs } from "node:util";
import type { Writing } from "./shared/files.ts";

type Part = (how: Writing) => Promise<readonly string[]>;

/**
 * Each returns the files that were rewritten, or would be. A part loads its own dependencies: typedoc takes a second.
 */
const parts: Readonly<Record<string, Part>> = {
  benchmarks: async (how) => (await import("./docs/benchmarks.ts")).benchmarks(how),
  commands: async (how) => (await import("./docs/commands.ts")).commands(how),
  figures: async (how) => (await import("./docs/figures.ts")).figures(how),
  http: async (how) => (await import("./docs/http.ts")).http(how),
  // It only checks: the site makes the pages.
  reference: async () => (await import("./docs/reference.ts")).checkComments().then(() => []),
  snippets: async (how) => (await import("./docs/snippets.ts")).snippets(how),
  soak: async (how) => (await import("./docs/soak.ts")).soak(how),
  tables: async (how) => (await import("./docs/tables.ts")).writeTables(how),
};
/** Made only if they are named: each takes longer than a check may. */
const slowParts: Readonly<Record<string, Part>> = {
  quickstart: async (how) => (await import("./docs/quickstart.ts")).quickstart(how),
};

export async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { check: { type: "boolean" } },
    allowPositionals: true,
  });
  const { check = false } = values;
  const outdated: string[] = [];
  for (const name of positionals.length > 0 ? positionals : Object.keys(parts)) {
    const files = await partOf(name)({ check });
    for (const file of files) console.log(check ? `${file} is out of date.` : `${file} was written.`);
    if (files.length > 0) outdated.push(name);
  }
  if (check && outdated.length > 0) throw new Error(`Run: npm run docs -- ${outdated.join(" ")}`);
}

function partOf(name: string): Part {
  const all = { ...parts, ...slowParts };
  const part = all[name];
  if (!part) throw new Error(`${name} is no part of the documentation. There are: ${Object.keys(all).join(", ")}.`);
  return part;
}
