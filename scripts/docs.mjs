// npm run docs: writes the parts of the documentation that are made from the code. With --check it writes nothing, and fails
// where they differ. Each part is a file of scripts/docs; those that are named are made, and without a name all but the slow ones.
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";

/** Made only where they are named: each takes longer than a check may. */
const slow = ["newcomer"];
const parts = readdirSync(new URL("docs/", import.meta.url))
  .filter((file) => file.endsWith(".mjs"))
  .map((file) => file.replace(".mjs", ""));

/** Makes one part, by the function that has its name. */
async function make(part, check) {
  const module = await import(`./docs/${part}.mjs`);
  return module[part]({ check });
}

async function main() {
  const { values, positionals } = parseArgs({ options: { check: { type: "boolean" } }, allowPositionals: true });
  const { check = false } = values;
  const unknown = positionals.find((part) => !parts.includes(part));
  if (unknown) throw new Error(`${unknown} is no part of the documentation. There are: ${parts.join(", ")}.`);
  const chosen = positionals.length > 0 ? positionals : parts.filter((part) => !slow.includes(part));
  const outdated = [];
  for (const part of chosen) {
    const files = await make(part, check);
    for (const file of files) console.log(check ? `${file} is out of date.` : `${file} was written.`);
    if (files.length > 0) outdated.push(part);
  }
  if (check && outdated.length > 0) throw new Error(`Run: npm run docs -- ${outdated.join(" ")}`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
