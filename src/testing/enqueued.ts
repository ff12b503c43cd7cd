import { type HeldBack, heldBackTexts } from "../core/flow/flow-key.ts";
import type { AnyJob, InputOf } from "../core/job/define.ts";
import type { JobInfo } from "../core/manage/job-info.ts";
import type { Queue } from "../core/queue/queue.ts";
import { type Duration, durationMs, type PointInTime, pointInTimeMs } from "../core/shared/duration.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { pagesOf } from "../core/shared/pages.ts";
import { knownOptions, oneOf, withoutUndefined } from "../core/shared/validate.ts";
import type { JobChildren } from "../core/store/family.ts";
import type { JobState } from "../core/store/store.ts";
import { checkComparable, differences, shown } from "./differences.ts";

/** A value with some of its fields. */
export type Part<Value> = Value extends Date
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly Part<Item>[]
    : Value extends object
      ? { readonly [Field in keyof Value]?: Part<Value[Field]> }
      : Value;

interface ExpectedFields {
  /** The id it was given. */
  readonly id?: string | undefined;
  /** When it runs, to the millisecond. */
  readonly runAt?: PointInTime | undefined;
  /** The time between its enqueue and its run. */
  readonly delay?: Duration | undefined;
  /** How long after its run time it may start. */
  readonly expires?: Duration | undefined;
  /** How many attempts may follow the first. */
  readonly maxRetries?: number | undefined;
  /** Its state. Default: "scheduled" or "ready". */
  readonly state?: JobState | undefined;
  /** Which flow control key holds it back, why, since when and until when: any of these. Null if none does. */
  readonly heldBack?: { readonly [Field in keyof HeldBack]?: HeldBack[Field] | undefined } | null | undefined;
  /**
   * What has become of its children: any of these, such as `{ total: 3 }`, as `getJob` counts them. Null if it has
   * none.
   */
  readonly children?: { readonly [Field in keyof JobChildren]?: number | undefined } | null | undefined;
  /** The signals that it waits for, and until when: either, or both. Null if it waits for none. */
  readonly waitingFor?: { readonly [Field in keyof Waiting]?: Waiting[Field] | undefined } | null | undefined;
}

type Waiting = NonNullable<JobInfo["waitingFor"]>;

/** What you expect of an enqueued job. Fields that you leave out can be anything. */
export interface Expected<Payload = unknown> extends ExpectedFields {
  /** Expected fields of the payload, which can be matchers such as `expect.any(String)`. Or a function that decides. */
  readonly payload?: Part<Payload> | ((payload: Payload) => boolean) | undefined;
}

type AnyExpected = ExpectedFields & { readonly payload?: unknown };

/** The options of `expectEnqueued`. */
export interface ExpectedEnqueued<Payload = unknown> extends Expected<Payload> {
  /** The exact number of such jobs. Default: one or more. */
  readonly count?: number | undefined;
}

/**
 * Lists the waiting jobs, those that are due first.
 *
 * @param job a definition or a name. Default: every job.
 * @param options `state`: another state instead of waiting.
 * @throws {TidegateError} `invalid_request` for an unknown option, or a name that none of the queue's jobs has.
 */
export async function enqueued(
  queue: Queue,
  job?: AnyJob | string,
  options: { readonly state?: JobState | undefined } = {},
): Promise<readonly JobInfo[]> {
  const { state } = knownOptions(options, ["state"], "enqueued");
  if (typeof job === "string") checkName(queue, job);
  const found: JobInfo[] = [];
  for (const each of state === undefined ? (["ready", "scheduled"] as const) : [state]) {
    const name = job === undefined ? undefined : nameOf(job);
    const read = (cursor: string | undefined) => queue.listJobs({ state: each, name, cursor, limit: 1_000 });
    for await (const { jobs } of pagesOf(read)) found.push(...jobs);
  }
  return found;
}

const expectedNames = [
  ...["id", "payload", "runAt", "delay", "expires", "maxRetries", "state", "heldBack", "children", "waitingFor"],
];

/**
 * Asserts that a job was enqueued and still waits, or is in the given `state`.
 *
 * ```ts
 * await expectEnqueued(queue, sendEmail, { payload: { to: "ada@example.com" }, delay: "5m", count: 1 });
 * ```
 *
 * @returns the matching jobs.
 * @throws {ExpectationError} if none matches, or not exactly `count`. It lists how the existing jobs differ.
 * @throws {TidegateError} `invalid_request` for an invalid expectation: an unknown option, a name that none of the
 *   queue's jobs has, a payload that is not JSON, or a function for it that does not return true or false.
 */
export async function expectEnqueued<Job extends AnyJob | string>(
  queue: Queue,
  job: Job,
  expected: ExpectedEnqueued<InputOf<Job>> = {},
): Promise<readonly JobInfo[]> {
  const { count, ...fields } = knownOptions(expected, [...expectedNames, "count"], "expectEnqueued");
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
 * Asserts that no such job waits, or is in the given `state`.
 *
 * @throws {ExpectationError} if one matches.
 * @throws {TidegateError} as `expectEnqueued`.
 */
export async function expectNotEnqueued<Job extends AnyJob | string>(
  queue: Queue,
  job: Job,
  expected: Expected<InputOf<Job>> = {},
): Promise<void> {
  const fields = knownOptions(expected, expectedNames, "expectNotEnqueued");
  const { fitting } = await compare(queue, job, fields);
  if (fitting.length === 0) return;
  throw new ExpectationError(
    [
      `No job "${nameOf(job)}"${described(fields)} should have been enqueued in queue "${queue.name}".`,
      ...listed(fitting, []),
    ],
    fields,
    fitting,
  );
}

/** An expectation failed. Test frameworks show `expected` and `actual` side by side. */
export class ExpectationError extends Error {
  override readonly name = "AssertionError";
  /** What the test expects. */
  readonly expected: unknown;
  /** The jobs that exist. */
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
  { state, payload, runAt, delay, expires, ...plain }: AnyExpected,
): Promise<{ readonly fitting: readonly JobInfo[]; readonly others: readonly Misfit[] }> {
  const parts = Object.entries(partNames).map(([name, known]) => {
    const part = plain[name as keyof typeof partNames];
    return [name, part && knownOptions(part, known, name)] as const;
  });
  oneOf(plain.heldBack?.reason, Object.keys(heldBackTexts), "heldBack.reason");
  if (typeof payload !== "function") checkComparable(payload, "payload");
  const wanted = withoutUndefined({
    ...{ ...plain, ...Object.fromEntries(parts) },
    runAt: runAt === undefined ? undefined : new Date(pointInTimeMs(runAt, "runAt")),
    "delay in ms": delay === undefined ? undefined : durationMs(delay, "delay"),
    "expires in ms": expires === undefined ? undefined : durationMs(expires, "expires"),
  });
  const listed = await enqueued(queue, job, state === undefined ? {} : { state });
  // A list does not say what holds a job back, nor counts the children that it waits for.
  const inFull = async (each: JobInfo) => (await queue.getJob(each.id)) ?? each;
  const isListed = plain.heldBack === undefined && plain.children === undefined;
  const jobs = isListed ? listed : await Promise.all(listed.map(inFull));
  const compared = jobs.map((each) => {
    const actual = comparable(each);
    const reasons = Object.entries(wanted).flatMap(([field, value]) => differences(value, actual[field], field));
    return { job: each, reasons: [...reasons, ...payloadMisfit(payload, each.payload)] };
  });
  return {
    fitting: compared.filter(({ reasons }) => reasons.length === 0).map((each) => each.job),
    others: compared.filter(({ reasons }) => reasons.length > 0),
  };
}

const partNames = {
  heldBack: ["key", "reason", "since", "until"],
  children: ["total", "pending", "completed", "dead", "dropped"],
  waitingFor: ["events", "until"],
} as const;

function comparable(job: JobInfo): Readonly<Record<string, unknown>> {
  const { id, maxRetries = null, runAt, enqueuedAt, expiresAt, heldBack = null } = job;
  const { children = null, waitingFor = null } = job;
  const delay = runAt && runAt.getTime() - enqueuedAt.getTime();
  const expires = runAt && expiresAt ? expiresAt.getTime() - runAt.getTime() : null;
  const times = { runAt, "delay in ms": delay, "expires in ms": expires };
  return JSON.parse(JSON.stringify({ id, maxRetries, heldBack, children, waitingFor, ...times }));
}

function payloadMisfit(expected: unknown, actual: unknown): readonly string[] {
  if (expected === undefined) return [];
  if (typeof expected !== "function") return differences(expected, actual, "payload");
  const isFitting: unknown = expected(actual);
  // Otherwise a promise would count as true, and a missing return as false, whatever the payload.
  if (typeof isFitting !== "boolean")
    throw invalidRequest("The function for payload must return true or false, not a promise.");
  return isFitting ? [] : [`payload: the function refuses ${shown(actual)}`];
}

function described(fields: AnyExpected): string {
  const words = Object.entries(fields).map(
    ([name, value]) => `${name} ${typeof value === "function" ? "(a function)" : shown(value)}`,
  );
  return words.length === 0 ? "" : ` with ${words.join(", ")}`;
}

/** A misspelt name has no jobs, so a test that expects none would pass. */
function checkName({ jobNames }: Queue, name: string): void {
  if (jobNames.length === 0 || jobNames.includes(name)) return;
  throw invalidRequest(
    `No job of the queue is named "${name}". Known names: ${jobNames.join(", ")}. For a job that another process performs, pass its definition.`,
  );
}

const MOST_LINES = 30;

function listed(fitting: readonly JobInfo[], others: readonly Misfit[]): readonly string[] {
  const lines = [
    ...fitting.map((job) => `  matches: ${summary(job)}, payload ${shown(job.payload)}`),
    ...others.flatMap(({ job, reasons }) => [
      `  differs: ${summary(job)}`,
      ...reasons.map((reason) => `    ${reason}`),
    ]),
  ];
  if (lines.length === 0) return ["  No job has this name."];
  const more = lines.length - MOST_LINES;
  return more > 0 ? [...lines.slice(0, MOST_LINES), `  and ${more} more lines`] : lines;
}

function summary({ id, state, runAt }: JobInfo): string {
  return `${id}, ${state}${runAt ? `, to run at ${runAt.toISOString()}` : ""}`;
}

function nameOf(job: AnyJob | string): string {
  return typeof job === "string" ? job : job.name;
}
