import { type Duration, durationMs, type PointInTime, pointInTimeMs } from "../core/duration.ts";
import type { AnyJob, InputOf } from "../core/job.ts";
import type { Queue } from "../core/queue.ts";
import type { JobState } from "../core/store.ts";
import type { JobInfo } from "../core/views.ts";
import { differences, shown } from "./differences.ts";

/** A value with any part of its fields. */
export type Part<Value> = Value extends Date
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly Part<Item>[]
    : Value extends object
      ? { readonly [Field in keyof Value]?: Part<Value[Field]> }
      : Value;

interface ExpectedFields {
  /** The id it was given. */
  readonly id?: string;
  /** When it is to run, to the millisecond. */
  readonly runAt?: PointInTime;
  /** How long after it was enqueued it is to run. */
  readonly delay?: Duration;
  /** How many attempts may follow the first. */
  readonly maxRetries?: number;
  /** Where it stands. Default: either of "scheduled" and "ready". */
  readonly state?: JobState;
}

/** What is expected of an enqueued job. What is left out may be anything. */
export interface Expected<Payload = unknown> extends ExpectedFields {
  /** Fields of the payload with their values, which may be matchers such as `expect.any(String)`; or a function that decides. */
  readonly payload?: Part<Payload> | ((payload: Payload) => boolean);
}

interface AnyExpected extends ExpectedFields {
  readonly payload?: unknown;
}

/** What `expectEnqueued` takes. */
export interface ExpectedEnqueued<Payload = unknown> extends Expected<Payload> {
  /** How many such jobs there are to be. Default: one or more. */
  readonly count?: number;
}

/**
 * Lists the jobs that wait, those that are due first.
 *
 * @param job a definition or the name of one. Default: every job.
 * @param options `state`: another one than waiting.
 */
export async function enqueued(
  queue: Queue,
  job?: AnyJob | string,
  { state }: { readonly state?: JobState } = {},
): Promise<readonly JobInfo[]> {
  const found: JobInfo[] = [];
  for (const each of state === undefined ? (["ready", "scheduled"] as const) : [state]) {
    let cursor: string | undefined;
    do {
      const page = await queue.listJobs({
        state: each,
        name: job === undefined ? undefined : nameOf(job),
        cursor,
        limit: 1_000,
      });
      found.push(...page.jobs);
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
  }
  return found;
}

/**
 * Makes sure that a job was enqueued and still waits, or is in the `state` given.
 *
 * ```ts
 * await expectEnqueued(queue, sendEmail, { payload: { to: "ada@example.com" }, delay: "5m", count: 1 });
 * ```
 *
 * @returns the jobs that fit.
 * @throws {ExpectationError} where none does, or not as many as `count`; it tells how those that exist differ.
 */
export async function expectEnqueued<Job extends AnyJob | string>(
  queue: Queue,
  job: Job,
  expected: ExpectedEnqueued<InputOf<Job>> = {},
): Promise<readonly JobInfo[]> {
  const { count, ...fields } = expected;
  const { fitting, others } = await compare(queue, job, fields);
  if (count === undefined ? fitting.length > 0 : fitting.length === count) return fitting;
  const wanted = count === undefined ? "A job" : `${count} ${count === 1 ? "job" : "jobs"}`;
  const has = count === undefined || fitting.length === 0 ? "" : ` It has ${fitting.length}.`;
  throw new ExpectationError(
    [
      `${wanted} "${nameOf(job)}"${described(fields)} should have been enqueued in queue "${queue.name}".${has}`,
      ...listed(fitting, others),
    ],
    fields,
    [...fitting, ...others.map((other) => other.job)],
  );
}

/**
 * Makes sure that no job such as this waits, or is in the `state` given.
 *
 * @throws {ExpectationError} where one does.
 */
export async function expectNotEnqueued<Job extends AnyJob | string>(
  queue: Queue,
  job: Job,
  expected: Expected<InputOf<Job>> = {},
): Promise<void> {
  const { fitting } = await compare(queue, job, expected);
  if (fitting.length === 0) return;
  throw new ExpectationError(
    [
      `No job "${nameOf(job)}"${described(expected)} should have been enqueued in queue "${queue.name}".`,
      ...listed(fitting, []),
    ],
    expected,
    fitting,
  );
}

/** Something was not enqueued as expected. Test frameworks show `expected` and `actual` side by side. */
export class ExpectationError extends Error {
  override readonly name = "AssertionError";
  /** What was asked for. */
  readonly expected: unknown;
  /** What was there. */
  readonly actual: unknown;

  constructor(lines: readonly string[], expected: unknown, actual: unknown) {
    super(lines.join("\n"));
    this.expected = expected;
    this.actual = actual;
  }
}

interface Misfit {
  readonly job: JobInfo;
  readonly reasons: readonly string[];
}

async function compare(
  queue: Queue,
  job: AnyJob | string,
  { state, ...fields }: AnyExpected,
): Promise<{ readonly fitting: readonly JobInfo[]; readonly others: readonly Misfit[] }> {
  const jobs = await enqueued(queue, job, state === undefined ? {} : { state });
  const compared = jobs.map((each) => ({ job: each, reasons: misfit(each, fields) }));
  return {
    fitting: compared.filter(({ reasons }) => reasons.length === 0).map((each) => each.job),
    others: compared.filter(({ reasons }) => reasons.length > 0),
  };
}

function misfit(job: JobInfo, expected: Omit<AnyExpected, "state">): readonly string[] {
  const { payload, runAt, delay, ...plain } = expected;
  const waitMs = job.runAt === null ? null : job.runAt.getTime() - job.enqueuedAt.getTime();
  return [
    ...Object.entries(plain).flatMap(([field, value]) => differences(value, job[field as keyof JobInfo], field)),
    ...(runAt === undefined
      ? []
      : differences(new Date(pointInTimeMs(runAt, "runAt")).toJSON(), job.runAt?.toJSON() ?? null, "runAt")),
    ...(delay === undefined ? [] : differences(durationMs(delay, "delay"), waitMs, "delay in ms")),
    ...payloadMisfit(payload, job.payload),
  ];
}

function payloadMisfit(expected: unknown, actual: unknown): readonly string[] {
  if (expected === undefined) return [];
  if (typeof expected !== "function") return differences(expected, actual, "payload");
  return expected(actual) ? [] : [`payload: the function given refuses ${shown(actual)}`];
}

function described(fields: AnyExpected): string {
  const words = Object.entries(fields).map(
    ([name, value]) => `${name} ${typeof value === "function" ? "(a function)" : shown(value)}`,
  );
  return words.length === 0 ? "" : ` with ${words.join(", ")}`;
}

const MOST_LISTED = 10;

function listed(fitting: readonly JobInfo[], others: readonly Misfit[]): readonly string[] {
  const lines = [
    ...fitting.map((job) => `  fits: ${summary(job)}, payload ${shown(job.payload)}`),
    ...others.flatMap(({ job, reasons }) => [
      `  differs: ${summary(job)}`,
      ...reasons.map((reason) => `    ${reason}`),
    ]),
  ];
  if (lines.length === 0) return ["  There is none of that name."];
  const left = lines.length - MOST_LISTED * 3;
  return left > 0 ? [...lines.slice(0, MOST_LISTED * 3), `  and ${left} lines more`] : lines;
}

function summary({ id, state, runAt }: JobInfo): string {
  return `${id}, ${state}${runAt ? `, to run at ${runAt.toISOString()}` : ""}`;
}

function nameOf(job: AnyJob | string): string {
  return typeof job === "string" ? job : job.name;
}
