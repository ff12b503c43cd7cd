// node scripts/fixture.mjs: writes test/fixtures/v1.json, or whatever version records have: a queue as this code stores it, to
// be drained by all that follow. What has been released stays as it is: with --replace alone it is made anew.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createJiti } from "jiti";

const jiti = createJiti(import.meta.url);
const { makeFixture, recordVersion } = await jiti.import("../test/support/fixture.ts");
const { openStage } = await jiti.import("../test/support/stage.ts");

const file = new URL(`../test/fixtures/v${recordVersion}.json`, import.meta.url);
if (existsSync(file) && !process.argv.includes("--replace")) {
  console.error(
    `test/fixtures/v${recordVersion}.json exists. It stands for what was released: raise the version instead.`,
  );
  process.exitCode = 1;
} else {
  const stage = await openStage();
  try {
    await writeFile(file, `${JSON.stringify(await makeFixture(stage), null, 1)}\n`);
  } finally {
    await stage.close();
  }
}
