import type { JobPage, KeyedJob, ListOptions } from "../../core/manage/list.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import type { Clock } from "../../core/shared/clock.ts";
import { type JobState, jobStates } from "../../core/store/store.ts";
import type { JobRow } from "./shown-job.ts";

// A search ends at any of these limits, with what it has found and a cursor. A read brings up to 3 MiB.
const MOST_EXAMINED = 1_000;
const MOST_READS = 6;
const MOST_MS = 5_000;
const MOST_FOUND = 50;
const PIECE = 500;

interface Search {
  readonly state?: JobState | undefined;
  /** What to find. In a payload: text anywhere in it, or `path=text` for one field, as in `user.email=ada`. */
  readonly text: string;
  /** Where: in all of these, whole name, errors, payload or key */
  readonly by: "any" | "name" | "error" | "payload" | "key";
  readonly cursor?: string | undefined;
}

/** Lists the jobs to search, here or through a handler. Only with their keys can a search find these. */
interface Listing<Job extends KeyedJob> {
  list(options: ListOptions): Promise<JobPage<Job>>;
  readonly clock: Clock;
}

/** The jobs of a queue, as this process lists them. */
export function listingOf(queue: Queue): Listing<KeyedJob> {
  return { list: internalsOf(queue).listKeyedJobs, clock: queue.clock };
}

interface Found<Job extends KeyedJob> {
  readonly jobs: readonly Job[];
  readonly examined: number;
  /** Where to continue the search; null if it has examined every job. */
  readonly cursor: string | null;
}

/** Examines 1,000 jobs, 18 MiB or 5 s, ignoring case. A read of 500 costs 3 to 8 commands, a search at most 60. */
export async function findJobs<Job extends KeyedJob>(
  { list, clock }: Listing<Job>,
  { state, text, by, cursor }: Search,
): Promise<Found<Job>> {
  const fits = matcher(text, by);
  const jobs: Job[] = [];
  const until = clock() + MOST_MS;
  let examined = 0;
  let reads = 0;
  let limit = PIECE;
  let next = cursor;
  const goesOn = () => examined < MOST_EXAMINED && reads < MOST_READS && jobs.length < MOST_FOUND && clock() < until;
  do {
    const page = await list({ state, cursor: next, limit });
    reads++;
    // A page is short if its jobs are large. Asking for many of them would make Redis read a larger sample.
    limit = Math.min(PIECE, 4 * Math.max(page.jobs.length, 1));
    examined += page.jobs.length;
    jobs.push(...page.jobs.filter(fits));
    next = page.cursor ?? undefined;
  } while (next !== undefined && goesOn());
  return { jobs, examined, cursor: next ?? null };
}

/** The path and the text of a search for one field of payloads, as in `user.email=ada`. */
function fieldIn(text: string): { readonly path?: string | undefined; readonly part: string } {
  const [, path, part = text] = /^([\w.-]+)=(.*)$/s.exec(text) ?? [];
  return { path, part };
}

/** Whether a field of the payload is the whole text, and not only contains it. */
export function wholeMatcher(text: string): (job: KeyedJob) => boolean {
  const { path, part } = fieldIn(text);
  if (path !== undefined) return ({ payload }) => textOf(fieldOf(payload, path)) === part;
  return ({ payload }) => textOf(payload).includes(JSON.stringify(part));
}

function matcher(text: string, by: Search["by"]): (job: KeyedJob) => boolean {
  const wanted = text.toLowerCase();
  const has = (value: unknown) => textOf(value).toLowerCase().includes(wanted);
  if (by === "any") {
    const [inError, inPayload] = [matcher(text, "error"), matcher(text, "payload")];
    return (job) => [job.name, job.id, job.flowKey ?? ""].some(has) || inError(job) || inPayload(job);
  }
  if (by === "key") return ({ flowKey }) => flowKey === text;
  if (by === "name") return ({ name }) => name === text;
  if (by === "error")
    return ({ errors, error }) =>
      [...errors, ...(error ? [error] : [])].some((each) => has(`${each.name}: ${each.message}`));
  const { path, part } = fieldIn(text);
  if (path === undefined) return ({ payload }) => has(payload);
  return ({ payload }) => {
    const value = fieldOf(payload, path);
    return value !== undefined && textOf(value).toLowerCase().includes(part.toLowerCase());
  };
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** The field at a path such as `user.emails.0`. */
function fieldOf(value: unknown, path: string): unknown {
  let at: unknown = value;
  for (const name of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}

/** The first jobs of each state, by nearness: 3 to 10 commands for each state. */
export async function latestJobs(queue: Queue, ofEach: number): Promise<readonly KeyedJob[]> {
  const { listKeyedJobs } = internalsOf(queue);
  const pages = await Promise.all(jobStates.map((state) => listKeyedJobs({ state, limit: ofEach })));
  return pages.flatMap((page) => page.jobs).sort(byNearness(queue.clock()));
}

type Times = Pick<JobRow, "completedAt" | "failedAt" | "startedAt" | "runAt" | "enqueuedAt">;

/** First jobs that ran, the latest first, then those to come, the earliest first. */
export function byNearness(now: number): (one: Times, other: Times) => number {
  const distance = ({ completedAt, failedAt, startedAt, runAt, enqueuedAt }: Times) => {
    const at = (completedAt ?? failedAt ?? startedAt ?? runAt ?? enqueuedAt).getTime();
    return at <= now ? now - at : Number.MAX_SAFE_INTEGER / 2 + at;
  };
  return (one, other) => distance(one) - distance(other);
}
