// Enqueues or drains when it is told to: one process, one connection pool.
import { setTimeout } from "node:timers/promises";
import { drainBare } from "./bare.ts";
import { bullmqConnection, runBullmq } from "./bullmq.ts";
import { answerParent } from "./helper.ts";
import { type Task, type TaskReport, taskDefaults } from "./task.ts";
import { runTidegate } from "./tidegate.ts";

const { REDIS_PORT = "", STORE_URL = "", STORE_TOKEN = "" } = process.env;
const rest = { url: STORE_URL, token: STORE_TOKEN };

let latencyMs = 0;
const { fetch } = globalThis;
globalThis.fetch = async (...request) => {
  if (latencyMs > 0) await setTimeout(latencyMs);
  return fetch(...request);
};

answerParent((partial: Task): Promise<TaskReport> => {
  const task = { ...taskDefaults, ...partial };
  latencyMs = task.latencyMs;
  if (task.system === "bullmq") return runBullmq(task, bullmqConnection(Number(REDIS_PORT)));
  return task.system === "bare" ? drainBare(task, rest) : runTidegate(task, rest);
});
