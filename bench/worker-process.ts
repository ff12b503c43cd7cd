// Enqueues or drains on request: one process, one connection pool.
import { setTimeout } from "node:timers/promises";
import { answerParent } from "./helper.ts";
import { systems } from "./systems/index.ts";
import { type Task, type TaskReport, taskDefaults } from "./task.ts";

const { REDIS_PORT = "", STORE_URL = "", STORE_TOKEN = "" } = process.env;
const all = systems({ redisPort: Number(REDIS_PORT), rest: { url: STORE_URL, token: STORE_TOKEN } });

let latencyMs = 0;
const { fetch } = globalThis;
globalThis.fetch = async (...request) => {
  if (latencyMs > 0) await setTimeout(latencyMs);
  return fetch(...request);
};

answerParent((partial: Task): Promise<TaskReport> => {
  const task = { ...taskDefaults, ...partial };
  latencyMs = task.latencyMs;
  return all[task.system][task.action](task);
});
