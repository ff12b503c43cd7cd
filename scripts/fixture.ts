// node scripts/run.mjs fixture: writes test/fixtures/v1.json, or that of the current record version: a queue as this
// code stores it, for later versions to drain. A released fixture does not change: only --replace writes it again.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { makeFixture, recordVersion } from "../test/support/fixture.ts";
import { openStage } from "../test/support/stage.ts";

const name = `test/fixtures/v${recordVersion}.json`;
const file = new URL(`../${name}`, import.meta.url);

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { replace: { type: "boolean" } } });
  if (existsSync(file) && !values.replace)
    throw new Error(`${name} exists. It stands for what was released: raise the version instead.`);
  const stage = await openStage();
  try {
    await writeFile(file, `${JSON.stringify(await makeFixture(stage), null, 1)}\n`);
  } finally {
    await stage.close();
  }
}
