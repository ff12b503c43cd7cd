// npm test: the tests, against a real redis-server, workerd and Node. Arguments are passed to vitest.
// With `--all`, also what runs less often, and random tests begin at a seed that is drawn.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ensureRedis } from "./ensure-redis.ts";
import { ofAllTests, seededWith, seedFor } from "./shared/all-tests.ts";

const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
const ALL = "--all";

/** @returns the exit code of vitest */
export async function main(args: readonly string[]): Promise<number> {
  ensureRedis();
  // Ctrl-C reaches vitest as well, which then stops its processes: wait for that.
  process.on("SIGINT", () => {});
  const own = args.filter((argument) => argument !== ALL);
  const isAll = args.includes(ALL);
  const seed = seedFor(isAll);
  const environment = { ...seededWith(seed), ...(isAll && ofAllTests) };
  const sayHowToRepeat = () =>
    console.log(`To repeat a random test: TIDEGATE_SEED=${seed} npm test --${isAll ? " --all" : ""} FILE`);
  sayHowToRepeat();
  const options = { stdio: "inherit", env: { ...process.env, ...environment } } as const;
  const [code] = await once(spawn(process.execPath, [vitest, "run", ...own], options), "exit");
  if (code !== 0) sayHowToRepeat();
  return typeof code === "number" ? code : 1;
}
