import { deepStrictEqual } from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { Queue } from "../../src/index.ts";
import type { Child } from "./child.ts";
import { checkLimits, keyOf } from "./crash-keys.ts";
import { type CrashPoint, crashPoints } from "./crash-points.ts";
import { keyBreaches, readStored, storedBreaches } from "./invariants.ts";
import { killAtAnyMoment, noneAt, type Series, variables } from "./kills.ts";
import { chosen } from "./random.ts";
import { RespClient } from "./resp.ts";
import type { Stage } from "./stage.ts";

/** What a series of trials has found: nothing yet. */
export const newFigures = () => ({
  trials: 0,
  /** Processes killed at each point, and at any moment. */
  killed: noneAt([...crashPoints, "any moment"]),
  /** Processes that ended by themselves: nothing was left to do, or Redis was unreachable. */
  ended: 0,
  restarts: 0,
  flushes: 0,
  /** Jobs whose enqueue was acknowledged. */
  acknowledged: 0,
  /** Jobs that the schedule has made. */
  slots: 0,
  /** Attempts that have started. */
  started: 0,
  /** Jobs that ran more than once, each time after a lease had expired. */
  repeated: 0,
  /** Jobs that ran again while a lease held. */
  unexplained: 0,
  /** Jobs that never ran, including occurrences that made none, and jobs that completed ones have enqueued. */
  lost: 0,
  /** Jobs whose attempts have enqueued more than the one job that each of them enqueues. */
  doubled: 0,
  /** Attempts that started under a key of flow control. */
  keyed: 0,
  /** Limits of keys that were exceeded. */
  exceeded: 0,
  /** Keys of which the store still knew something when all jobs had ended. */
  kept: 0,
  /** Jobs with children whose enqueue was acknowledged. */
  parents: 0,
  /** Those that started before each of their children had done its work. */
  early: 0,
  /** Jobs with steps whose enqueue, and whose signal, was acknowledged. */
  stepped: 0,
  stepsRun: 0,
  /** Steps that ran again after they were stored. */
  stepsAgain: 0,
});

export type CrashFigures = ReturnType<typeof newFigures>;

export interface CrashSeries extends Series {
  /** Whether most jobs have keys of flow control. Default false. */
  readonly hasKeys?: boolean;
  /** Whether each trial also has a job with children, and what jobs enqueue has a child. Default false. */
  readonly hasParents?: boolean;
  /** Whether each trial also has a job with steps, a sleep and a wait. Default false. */
  readonly hasSteps?: boolean;
}

const JOBS_A_TRIAL = 5;
/** Two or three for each key: more than may run at once. */
const KEYED_JOBS_A_TRIAL = 13;
const CHILDREN = 4;
const LEASE_IS_OVER_MS = 70_000;
const MINUTE_MS = 60_000;

/** One queue, drained by one process after another, most of which are killed. */
export async function crashSeries(series: CrashSeries): Promise<CrashFigures> {
  const { stage, program, trials, random, hasKeys = false, hasParents = false, hasSteps = false, progress } = series;
  const prefix = stage.prefix();
  const figures = newFigures();
  let ahead = 0;
  const queue = new Queue({ store: stage.store(prefix), clock: () => Date.now() + ahead });
  const start = (point: CrashPoint | "" = "", on = 0) =>
    program.start({
      ...variables(stage, prefix, ahead, point, on),
      REDIS_PORT: String(stage.server.port),
      HAS_PARENTS: hasParents ? "1" : "",
    });
  for (let trial = 0; trial < trials; trial++) {
    await enqueueUntilAcknowledged(queue, figures, hasKeys);
    if (hasParents) await enqueueFamily(queue, figures);
    if (hasSteps) await enqueueStepped(queue, figures, random);
    const point = chosen([...crashPoints, "any moment"] as const, random);
    const child = start(point === "any moment" ? "" : point, 1 + Math.floor(random() * 3));
    await Promise.all([disturb(stage, random, figures), endOf(child, point, random, figures)]);
    ahead += LEASE_IS_OVER_MS;
    progress?.(++figures.trials);
  }
  // No more faults.
  for (let code: number | null = 1; code !== 0; ahead += LEASE_IS_OVER_MS) code = await start().ended;
  // A window lets few of the jobs of a key start, and a job that sleeps goes on in a later drain. A slot that was held
  // for good would leave jobs waiting.
  for (
    let round = 0;
    (hasKeys || hasSteps) && round < 2 * trials && (await unendedIn(queue)) > 0;
    round++, ahead += LEASE_IS_OVER_MS
  )
    await start().ended;
  await audit(stage, prefix, queue, figures, { hasKeys, hasParents, hasSteps });
  return figures;
}

async function unendedIn(queue: Queue): Promise<number> {
  const { pendingCount, runningCount } = await queue.getStats();
  return pendingCount + runningCount;
}

async function enqueueUntilAcknowledged(queue: Queue, figures: CrashFigures, hasKeys: boolean): Promise<void> {
  const jobs = Array.from({ length: hasKeys ? KEYED_JOBS_A_TRIAL : JOBS_A_TRIAL }, (_, index) => {
    const number = figures.acknowledged + index;
    const flowControl = hasKeys ? keyOf(number) : undefined;
    return { job: "note", id: `job-${number}`, ...(flowControl && { flowControl }) };
  });
  while (!(await queue.enqueueMany(jobs).catch(() => undefined))) await wait(5);
  figures.acknowledged += jobs.length;
}

async function enqueueFamily(queue: Queue, figures: CrashFigures): Promise<void> {
  const children = Array.from({ length: CHILDREN }, () => ({ job: "note" }));
  const options = { id: `parent-${figures.parents}`, children };
  while (!(await queue.enqueue("note", undefined, options).catch(() => undefined))) await wait(5);
  figures.parents++;
}

/** A job with steps, and its signal: sometimes it comes first. */
async function enqueueStepped(queue: Queue, figures: CrashFigures, random: () => number): Promise<void> {
  const number = figures.stepped++;
  const sends = [
    () => queue.enqueue("stepped", undefined, { id: `stepped-${number}` }),
    () => queue.signal(`go-${number}`, number, { id: `go-${number}` }),
  ];
  for (const send of random() < 0.5 ? sends : sends.reverse())
    while (
      !(await send().then(
        () => true,
        () => false,
      ))
    )
      await wait(5);
}

/** Counts steps that ran after they were stored. @returns how many jobs have not done all, or got a wrong signal. */
function judgeSteps(log: readonly string[], figures: CrashFigures): number {
  const stored = new Set<string>();
  for (const line of log) {
    const [kind, id, name] = line.split(" ");
    if (kind === "stored") stored.add(`${id} ${name}`);
    if (kind !== "runs") continue;
    figures.stepsRun++;
    if (stored.has(`${id} ${name}`)) figures.stepsAgain++;
  }
  const lines = new Set(log);
  const hasEnded = (_: unknown, number: number) =>
    stored.has(`stepped-${number} d`) && lines.has(`got stepped-${number} ${number}`);
  return Array.from({ length: figures.stepped }, hasEnded).filter((done) => !done).length;
}

/** How many of the parents have started before each of their children had done its work. */
function earlyParents(log: readonly string[], parents: readonly string[], children: number): number {
  return parents.filter((id) => {
    const start = log.findIndex((line) => line.startsWith(`start ${id} `));
    const before = log.slice(0, Math.max(start, 0));
    const done = new Set(before.flatMap((line) => (line.startsWith(`end ${id}/`) ? line.split(" ")[1] : [])));
    return start >= 0 && done.size < children;
  }).length;
}

/** Sometimes crashes and restarts Redis, or makes it forget the scripts, while a process drains. */
export async function disturb(
  { server }: Stage,
  random: () => number,
  figures: Pick<CrashFigures, "restarts" | "flushes">,
): Promise<void> {
  const lot = random();
  if (lot >= 0.2) return;
  await wait(30 + random() * 60);
  if (lot < 0.05) {
    figures.restarts++;
    return server.restart();
  }
  const redis = await RespClient.connect(server.port).catch(() => undefined);
  await redis?.send(["SCRIPT", "FLUSH"]).then(
    () => figures.flushes++,
    () => {},
  );
  redis?.close();
}

async function endOf(
  child: Child,
  point: CrashPoint | "any moment",
  random: () => number,
  figures: CrashFigures,
): Promise<void> {
  if (point === "any moment") await killAtAnyMoment(child, random);
  if ((await child.ended) === null) figures.killed[point]++;
  else figures.ended++;
}

interface Start {
  readonly attempt: number;
  readonly claimedAt: number;
  readonly endsAt: number;
}

/** Compares what was acknowledged, what was performed, and the queue's statistics. */
async function audit(
  stage: Stage,
  prefix: string,
  queue: Queue,
  figures: CrashFigures,
  {
    hasKeys,
    hasParents,
    hasSteps,
  }: { readonly hasKeys: boolean; readonly hasParents: boolean; readonly hasSteps: boolean },
): Promise<void> {
  const redis = await RespClient.connect(stage.server.port);
  try {
    const log = (await redis.send(["LRANGE", `log-${prefix}`, 0, -1])) as string[];
    const startsOf = readStarts(log);
    for (const starts of startsOf.values()) judge(starts, figures);
    const limits = hasKeys ? checkLimits(log) : { attempts: 0, breaches: [] };
    deepStrictEqual(limits.breaches, []);
    figures.keyed = limits.attempts;
    figures.exceeded = limits.breaches.length;
    figures.kept = (await queue.flowControl.list()).keys.length;
    const slots = [...startsOf.keys()].filter((id) => id.startsWith("tick@")).sort();
    figures.slots = slots.length;
    const followers = enqueuedIn(log, "follows");
    const gathering = enqueuedIn(log, "gathers");
    const enqueuing = figures.acknowledged + figures.slots + (1 + CHILDREN) * figures.parents;
    figures.lost =
      missingJobs("job", startsOf, figures.acknowledged) +
      missingJobs("parent", startsOf, figures.parents) +
      (hasSteps ? judgeSteps(log, figures) : 0) +
      missingSlots(slots) +
      (enqueuing - followers.size) +
      (hasParents ? enqueuing - gathering.size : 0);
    figures.doubled = [...followers.values(), ...gathering.values()].filter(({ size }) => size > 1).length;
    const parents = Array.from({ length: figures.parents }, (_, index) => `parent-${index}`);
    const enqueuedParents = [...gathering.values()].flatMap((ids) => [...ids]);
    figures.early = earlyParents(log, parents, CHILDREN) + earlyParents(log, enqueuedParents, 1);
    const all = (hasParents ? 3 : 2) * enqueuing + figures.stepped;
    const { totalEnqueued, totalProcessed, pendingCount, runningCount, deadLetterCount } = await queue.getStats();
    deepStrictEqual(
      { totalEnqueued, totalProcessed, pendingCount, runningCount, deadLetterCount },
      { totalEnqueued: all, totalProcessed: all, pendingCount: 0, runningCount: 0, deadLetterCount: 0 },
    );
    const stored = await readStored(redis, prefix);
    deepStrictEqual([...storedBreaches(stored), ...(await keyBreaches(redis, prefix))], []);
  } finally {
    redis.close();
  }
}

function readStarts(log: readonly string[]): ReadonlyMap<string, Start[]> {
  const startsOf = new Map<string, Start[]>();
  for (const line of log) {
    const [kind, id = "", attempt, claimedAt, endsAt] = line.split(" ");
    if (kind !== "start") continue;
    const start = { attempt: Number(attempt), claimedAt: Number(claimedAt), endsAt: Number(endsAt) };
    startsOf.set(id, [...(startsOf.get(id) ?? []), start]);
  }
  return startsOf;
}

/** The jobs that each job has enqueued. Those of an attempt that was killed do not exist, so they have not run. */
function enqueuedIn(log: readonly string[], word: "follows" | "gathers"): ReadonlyMap<string, ReadonlySet<string>> {
  const enqueued = new Map<string, Set<string>>();
  for (const line of log) {
    const [kind, id = "", of = ""] = line.split(" ");
    if (kind === word) enqueued.set(of, (enqueued.get(of) ?? new Set()).add(id));
  }
  return enqueued;
}

/** Each run after the first must be another attempt, claimed after the previous lease had expired. */
function judge(starts: readonly Start[], figures: CrashFigures): void {
  figures.started += starts.length;
  if (starts.length === 1) return;
  const isExplained = starts.slice(1).every((start, index) => {
    const before = starts[index] as Start;
    return start.attempt > before.attempt && before.endsAt > 0 && start.claimedAt >= before.endsAt;
  });
  if (isExplained) figures.repeated++;
  else figures.unexplained++;
}

function missingJobs(name: string, startsOf: ReadonlyMap<string, unknown>, acknowledged: number): number {
  return Array.from({ length: acknowledged }, (_, index) => `${name}-${index}`).filter((id) => !startsOf.has(id))
    .length;
}

/** Every minute between the first occurrence and the last must have made its job. */
function missingSlots(slots: readonly string[]): number {
  const times = slots.map((id) => Date.parse(id.slice("tick@".length)));
  const [first, last] = [times[0], times.at(-1)];
  return first === undefined || last === undefined ? 0 : (last - first) / MINUTE_MS + 1 - slots.length;
}
