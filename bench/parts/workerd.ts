import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Cpu, minus, Workerd } from "../../test/support/workerd.ts";
import { figureOf } from "../figures.ts";
import type { Bench } from "../part.ts";
import { repeated, type Stage } from "../stage.ts";
import { sum } from "../task.ts";

const JOBS = [30, 100];
const DRAIN_TOKEN = "the-drain-token";
const STARTS = 10;
const REQUESTS = 50;
/** How often a warm isolate has drained before it is measured. */
const WARM_UP = 200;

/** The columns of CPU times. */
export const SCRIPT_THREAD = "the script's thread";
export const ALL_THREADS = "all threads";

/** The input of workerd: the script, and the folder for its configuration. */
interface Scene {
  readonly bench: Bench;
  readonly folder: string;
  readonly script: string;
  readonly empty: string;
  /** The CPU time of a new isolate with the empty script. */
  readonly bare: readonly FirstRequest[];
}

/** The CPU time of a Worker in workerd, less that of an empty one: for new isolates, and for warm ones. */
export async function workerd(bench: Bench): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-workerd-"));
  try {
    const [script, empty] = [await bundle("worker"), await bundle("empty")];
    bench.progress("new isolates with an empty script");
    const bare = await inNewIsolates({ bench, folder }, empty);
    const scene = { bench, folder, script, empty, bare };
    await newIsolates(scene);
    await minified(scene);
    await schedules(scene);
    await warmIsolate(scene);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function bundle(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, `${name}.mjs`), "utf8");
}

function sizeText(script: string): string {
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1_000)} KB`;
  return `the script has ${kilobytes(Buffer.byteLength(script))}, gzipped ${kilobytes(gzipSync(script).length)}`;
}

/** A new process each time: first its start, then its first request. */
async function newIsolates(scene: Scene): Promise<void> {
  const { bench, script } = scene;
  for (const [index, jobs] of JOBS.entries()) {
    bench.progress(`new isolates, first a drain of ${jobs}`);
    const ours = await inNewIsolates(scene, script, drainPath(jobs), () => fill(bench.stage, jobs));
    if (index === 0)
      addFirst(scene, "start", ours, {
        what: "start of an isolate: the script is read and run",
        remark: sizeText(script),
      });
    addFirst(scene, "request", ours, { what: firstDrain(jobs) });
  }
}

/** The same with the script minified. */
async function minified(scene: Scene): Promise<void> {
  const { bench } = scene;
  const [jobs = 0] = JOBS;
  bench.progress("new isolates with the script minified");
  const script = await bundle("worker-minified");
  const ours = await inNewIsolates(scene, script, drainPath(jobs), () => fill(bench.stage, jobs));
  addFirst(scene, "start", ours, { what: "start of an isolate, minified", remark: sizeText(script) });
  addFirst(scene, "request", ours, { what: `${firstDrain(jobs)}, minified` });
}

/**
 * The CPU time of a cron expression that is parsed when the script starts, and of one that the first request parses.
 */
async function schedules(scene: Scene): Promise<void> {
  for (const [where, name] of [
    ["at module scope", "schedule-declared"],
    ["in a request", "schedule-in-request"],
  ] as const) {
    scene.bench.progress(`new isolates, a schedule read ${where}`);
    const script = await bundle(name);
    const ours = await inNewIsolates(scene, script);
    addFirst(scene, "start", ours, { what: `a schedule read ${where}: start of an isolate`, remark: sizeText(script) });
    addFirst(scene, "request", ours, { what: `a schedule read ${where}: first request` });
  }
}

/** Starts new isolates with a script, one after the other, and sends each a request. */
function inNewIsolates(
  { bench, folder }: Pick<Scene, "bench" | "folder">,
  script: string,
  path = "/",
  before = async () => {},
): Promise<readonly FirstRequest[]> {
  return repeated(bench.effort.isQuick ? 3 : STARTS, async () => {
    await before();
    return inNewIsolate({ bench, folder }, script, (isolate) => firstRequest(isolate, path));
  });
}

function addFirst({ bench, bare }: Scene, of: keyof FirstRequest, ours: readonly FirstRequest[], named: Named): void {
  addCpu(
    bench,
    named,
    ours.map((cpu) => cpu[of]),
    medianCpu(bare.map((cpu) => cpu[of])),
  );
}

export function firstDrain(jobs: number): string {
  return `first request of a new isolate: a drain of ${jobs}`;
}

export function warmDrain(jobs: number): string {
  return `a drain of ${jobs} in a warm isolate`;
}

interface FirstRequest {
  readonly start: Cpu;
  readonly request: Cpu;
}

async function firstRequest(isolate: Workerd, path: string): Promise<FirstRequest> {
  const start = await isolate.cpu();
  await request(isolate, path);
  return { start, request: minus(await isolate.cpu(), start) };
}

/** Drains in an isolate whose code is warm. */
async function warmIsolate(scene: Scene): Promise<void> {
  const { bench, script, empty } = scene;
  bench.progress("a warm isolate with an empty script");
  const bare = await inNewIsolate(scene, empty, (isolate) => warmRequests(bench, isolate, "/", async () => {}));
  addCpu(bench, { what: "a request to an empty script" }, bare, { script: 0, all: 0 });
  for (const jobs of JOBS) {
    bench.progress(`a warm isolate, drains of ${jobs}`);
    const before = () => fill(bench.stage, jobs);
    const ours = await inNewIsolate(scene, script, (isolate) => warmRequests(bench, isolate, drainPath(jobs), before));
    addCpu(bench, { what: warmDrain(jobs) }, ours, medianCpu(bare));
  }
}

/** The CPU of one request, over many, several times. */
async function warmRequests(
  { effort }: Bench,
  isolate: Workerd,
  path: string,
  before: () => Promise<void>,
): Promise<readonly Cpu[]> {
  const one = async (): Promise<Cpu> => {
    await before();
    const start = await isolate.cpu();
    await request(isolate, path);
    return minus(await isolate.cpu(), start);
  };
  await repeated(effort.of(WARM_UP), one);
  return repeated(effort.runs, async () => {
    const each = await repeated(effort.of(REQUESTS), one);
    const mean = (of: keyof Cpu) => sum(each.map((cpu) => cpu[of])) / each.length;
    return { script: mean("script"), all: mean("all") };
  });
}

async function inNewIsolate<T>(
  { bench, folder }: Pick<Scene, "bench" | "folder">,
  script: string,
  measure: (isolate: Workerd) => Promise<T>,
): Promise<T> {
  const { rest } = bench.stage.connections;
  const bindings = { STORE_URL: rest.url, STORE_TOKEN: rest.token, DRAIN_TOKEN };
  const isolate = await Workerd.start(folder, script, bindings);
  const result = await measure(isolate);
  await isolate.stop();
  return result;
}

function drainPath(jobs: number): string {
  return `/drain?maxJobs=${jobs}`;
}

/** @throws {Error} if a drain did not do all it was asked for. */
async function request(isolate: Workerd, path: string): Promise<void> {
  const headers = { Authorization: `Bearer ${DRAIN_TOKEN}` };
  const response = await fetch(`${isolate.url}${path}`, { headers });
  const report = (await response.json()) as { completed?: number };
  const jobs = new URLSearchParams(path.split("?")[1]).get("maxJobs");
  if (!response.ok || (jobs !== null && report.completed !== Number(jobs)))
    throw new Error(`The Worker answered ${response.status} to ${path}, and completed ${report.completed} jobs.`);
}

async function fill(stage: Stage, jobs: number): Promise<void> {
  await stage.clear();
  await stage.run({ system: "tidegate", action: "enqueue", jobs });
}

function medianCpu(values: readonly Cpu[]): Cpu {
  const median = (of: keyof Cpu) => figureOf(values.map((cpu) => cpu[of])).median;
  return { script: median("script"), all: median("all") };
}

interface Named {
  readonly what: string;
  readonly remark?: string | undefined;
}

/** Adds the measured times less those of an empty script. */
function addCpu({ add }: Bench, { what, remark }: Named, values: readonly Cpu[], baseline: Cpu): void {
  const figure = (of: keyof Cpu) => figureOf(values.map((cpu) => cpu[of] - baseline[of]));
  const figures = { [SCRIPT_THREAD]: figure("script"), [ALL_THREADS]: figure("all") };
  add({ what, unit: "ms of CPU", figures, ...(remark !== undefined && { remark }) });
}
