// npm test: all tests, against a real redis-server, workerd and Node. Arguments are passed to vitest.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ensureRedis } from "./ensure-redis.ts";

const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");

/** @returns the exit code of vitest */
export async function main(args: readonly string[]): Promise<number> {
  ensureRedis();
  const tests = spawn(process.execPath, [vitest, "run", ...args], { stdio: "inherit" });
  // Ctrl-C reaches vitest as well, which then stops its processes: wait for that.
  process.on("SIGINT", () => {});
  const [code] = await once(tests, "exit");
  return code ?? 1;
}
