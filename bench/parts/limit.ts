import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exact, figureOf } from "../figures.ts";
import { type Bench, count, drains, figuresOf } from "../part.ts";
import { functionOf, moduleOf, modulesOf, sharesOf } from "../profile.ts";
import { perSecond, type Run } from "../stage.ts";
import { business } from "./parallel.ts";

const WAITING = 50_000;
const FUNCTIONS = 15;
const PROFILED = 100_000;

/** Where the time goes: a drain compared with a bare script that sends the same batches, and profiles of the drain. */
export async function limit(bench: Bench): Promise<void> {
  for (const batchSize of [100, 1_000]) await besideBare(bench, batchSize);
  const profiles = { tidegate: await profile(bench, "tidegate"), "tidegate-tcp": await profile(bench, "tidegate-tcp") };
  const bundle = await readFile(join(import.meta.dirname, "worker-process.mjs"), "utf8");
  const moduleAt = modulesOf(bundle);
  addShares(bench, "module", profiles, (text) => sharesOf(text, (frame) => moduleOf(frame, moduleAt)));
  addShares(bench, "function", profiles, (text) =>
    sharesOf(text, (frame) => functionOf(frame, moduleAt)).slice(0, FUNCTIONS),
  );
}

async function besideBare(bench: Bench, batchSize: number): Promise<void> {
  const measure = (system: "tidegate" | "bare", loops = 1) => {
    bench.progress(`${system}, batches of ${count(batchSize)}`);
    return drains(bench, { system, jobs: bench.effort.of(WAITING), batchSize, drains: loops });
  };
  const ours = await measure("tidegate");
  const [bare, twoLoops] = [await measure("bare"), await measure("bare", 2)];
  const columns = Object.entries({ tidegate: ours, bare, "bare-two": twoLoops });
  const what = `batch ${count(batchSize)}`;
  const row = (unit: string, value: (run: Run) => number, remark?: string) =>
    bench.add({ what, unit, figures: figuresOf(columns, value), ...(remark && { remark }) });
  row("jobs a second", perSecond, business(ours));
  row("CPU of the process, us a job", ({ cpu, jobs }) => (cpu.workers / jobs) * 1_000);
  row("CPU of Redis, us a job", ({ cpu, jobs }) => (cpu.redis / jobs) * 1_000);
  const median = (runs: readonly Run[]) => figureOf(runs.map(perSecond)).median;
  const most = Math.max(median(bare), median(twoLoops));
  const share = 100 * (1 - median(ours) / most);
  bench.add({ what, unit: "% of the time that is Tidegate's", figures: { tidegate: exact(share) } });
}

/** A V8 profile of a warm process that drains in batches of 100. */
async function profile({ stage, effort, progress }: Bench, system: "tidegate" | "tidegate-tcp"): Promise<string> {
  progress(`profile, ${system}`);
  const jobs = effort.of(PROFILED);
  const drain = { system, action: "drain", jobs } as const;
  const fill = async () => {
    await stage.clear();
    await stage.run({ system, action: "enqueue", jobs, batchSize: 1_000 });
  };
  await fill();
  await stage.run(drain);
  await fill();
  return (await stage.worker().ask({ ...drain, isProfiled: true })).profile ?? "";
}

type Profiles = Readonly<Record<string, string>>;

function addShares(
  { add }: Bench,
  kind: string,
  profiles: Profiles,
  read: (text: string) => ReturnType<typeof sharesOf>,
) {
  const shares = Object.entries(profiles).map(([system, text]) => {
    return [system, new Map(read(text).map(({ name, percent }) => [name, percent]))] as const;
  });
  const names = new Set(shares.flatMap(([, byName]) => [...byName.keys()]));
  for (const name of names) {
    const found = shares.flatMap(([system, byName]) => {
      const percent = byName.get(name);
      return percent !== undefined && percent >= 0.5 ? [[system, exact(percent)] as const] : [];
    });
    if (found.length === 0) continue;
    add({ part: "time", what: `${kind} ${name}`, unit: "% of the busy time", figures: Object.fromEntries(found) });
  }
}
