import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench } from "../part.ts";
import { hottest } from "../profile.ts";
import { best, perSecond, type Run, type Stage, type Worker } from "../stage.ts";
import type { Task } from "../task.ts";
import { business } from "./parallel.ts";

const WAITING = 50_000;
const FUNCTIONS = 15;

/** Where the time goes: a drain beside a bare script that sends the same batches, and a profile of the drain. */
export async function limit(bench: Bench): Promise<void> {
  const { stage, progress, add } = bench;
  for (const batchSize of [100, 1_000]) {
    const measure = (system: Task["system"]) => {
      progress(`${system}, batches of ${batchSize}`);
      return best(4, () => drained(stage, stage.worker(), system, batchSize));
    };
    const [ours, bare] = [await measure("tidegate"), await measure("bare")];
    const name = `batch ${batchSize.toLocaleString("en-US")}`;
    add({ what: `a drain, ${name}`, unit: "jobs a second", tidegate: perSecond(ours), remark: business(ours) });
    add({ what: `the bare script, ${name}`, unit: "jobs a second", tidegate: perSecond(bare), remark: business(bare) });
    const share = 100 * (1 - perSecond(ours) / perSecond(bare));
    add({ what: `our share of the time, ${name}`, unit: "%", tidegate: share });
    const perJob = ({ cpu, jobs }: Run) => (cpu.workers / jobs) * 1_000;
    add({ what: `CPU of the drain, ${name}`, unit: "us a job", tidegate: perJob(ours) });
    add({ what: `CPU of the bare script, ${name}`, unit: "us a job", tidegate: perJob(bare) });
  }
  await profile(bench);
}

async function drained(stage: Stage, worker: Worker, system: Task["system"], batchSize: number): Promise<Run> {
  await stage.clear();
  await stage.run({ system: "tidegate", action: "enqueue", jobs: WAITING, batchSize: 1_000 });
  return stage.run({ system, action: "drain", jobs: WAITING, batchSize }, [worker]);
}

/** The functions of a drain's process that take the most time themselves. */
async function profile({ stage, progress, add }: Bench): Promise<void> {
  progress("profile");
  const folder = await mkdtemp(join(tmpdir(), "tidegate-profile-"));
  try {
    const worker = stage.newWorker(["--cpu-prof", "--cpu-prof-dir", folder]);
    for (let round = 0; round < 3; round++) await drained(stage, worker, "tidegate", 100);
    await worker.stop();
    const [file = ""] = await readdir(folder);
    for (const { name, percent } of hottest(await readFile(join(folder, file), "utf8"), FUNCTIONS)) {
      add({ what: `self time: ${name}`, unit: "% of the busy time", tidegate: percent });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
