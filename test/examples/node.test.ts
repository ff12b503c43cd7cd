import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { useRedis } from "../support/stores.ts";
import { compileExample } from "./example.ts";

const redis = useRedis();

test("the example for Node works until it is stopped, and exits cleanly", async () => {
  const env = { ...process.env, REDIS_URL: `redis://127.0.0.1:${redis.server.port}` };
  const running = promisify(execFile)(process.execPath, [await compileExample("node/main.ts")], { env });
  running.child.stdout?.once("data", () => running.child.kill("SIGTERM"));
  const { stdout, stderr } = await running;
  expect(stdout).toBe("january.csv: attempt 1\nStopped after 1 jobs.\n");
  expect(stderr).toBe("");
});
