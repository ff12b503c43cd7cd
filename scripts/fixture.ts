// node scripts/run.mjs fixture: writes test/fixtures/v1.json, or whatever version records have: a queue as this code stores it, to
// be drained by all that follow. What has been released stays as it is: with --replace alone it is made anew.
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
