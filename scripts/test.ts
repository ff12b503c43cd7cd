// npm test: the tests, against a real redis-server, workerd and Node. Arguments are passed to vitest.
// With `--all`, also what runs less often, and random tests begin at a seed that is drawn. With TIDEGATE_CHECK=1, the
// checks come first, as in .ci/run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ensureRedis } from "./ensure-redis.ts";
import { ofAllTests, seededWith, seedFor } from "./shared/all-tests.ts";

const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
const ALL = "--all";

/** @returns the exit code of vitest, or of the checks if one fails */
export async function main(args: readonly string[]): Promise<number> {
  ensureRedis();
  // Ctrl-C reaches the programs as well, which then stop their processes: wait for that.
  process.on("SIGINT", () => {});
  const failed = process.env["TIDEGATE_CHECK"] === "1" ? await run("npm", ["run", "check"]) : 0;
  if (failed) return failed;
  const own = args.filter((argument) => argument !== ALL);
  const isAll = args.includes(ALL);
  const seed = seedFor(isAll);
  const environment = { ...seededWith(seed), ...(isAll && ofAllTests) };
  const sayHowToRepeat = () =>
    console.log(`To repeat a random test: TIDEGATE_SEED=${seed} npm test --${isAll ? " --all" : ""} FILE`);
  sayHowToRepeat();
  const code = await run(process.execPath, [vitest, "run", ...own], environment);
  if (code !== 0) sayHowToRepeat();
  return code;
}

async function run(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...environment } });
  const [code] = await once(child, "exit");
  return typeof code === "number" ? code : 1;
}
