import type { QueueContext } from "../enqueue/context.ts";
import { momentBefore, pointInTimeMs } from "../shared/duration.ts";
import { described, optionsOf, string, whole, word } from "../shared/schema.ts";
import type { JobState } from "../store/store.ts";
import { type KeyedJob, type ListOptions, listKeyedJobs, listOptions } from "./list.ts";

// A search ends at any of these limits, with what it has found and a cursor. A read brings up to 3 MiB.
const MOST_EXAMINED = 1_000;
const MOST_READS = 6;
const MOST_MS = 5_000;
const MOST_FOUND = 50;
const PIECE = 500;

/** Who searches looks for what broke, mostly; completed jobs can be far more than all others. */
const ORDER: readonly JobState[] = ["dead", "running", "ready", "scheduled", "completed"];

/**
 * Where a search looks: in all of these; the whole name or key; an id as tables show it; errors; payloads. For
 * `retried`, its text is since when the jobs were retried from the dead-letter queue, or in which time.
 */
export const searchedParts = ["any", "name", "id", "error", "payload", "key", "retried"] as const;

interface Search {
  readonly state?: JobState | undefined;
  /** What to find. In a payload: text anywhere in it, or `path=text` for one field: `user.email=ada`, `id=5`. */
  readonly text: string;
  readonly by: (typeof searchedParts)[number];
  readonly cursor?: string | undefined;
}

/** Which jobs `GET /jobs` lists. */
export interface FindOptions extends ListOptions {
  /** Only jobs with this text, whatever its case. In a payload, `user.email=ada` looks in one field. */
  readonly search?: string | undefined;
  /** Where to search. Default "any". */
  readonly in?: Search["by"] | undefined;
  /** Only the first so many jobs of each state, by nearness: no further page. */
  readonly each?: number | undefined;
}

const LONGEST_SEARCH = 256;
const MOST_OF_EACH = 100;

export const findOptions = optionsOf<FindOptions>("a list", {
  ...listOptions.fields,
  search: described(
    string(LONGEST_SEARCH),
    "Only jobs with this text, among about 1,000: continue while there is a cursor, and leave out ids that you have. In a payload, user.email=ada looks in one field.",
  ),
  in: described(
    word(searchedParts),
    "Where to search. Default: anywhere. A name, a key or an id (or its end) must be whole. With retried, the text is a time, two with a / between, or how long ago.",
  ),
  each: described(whole(1, MOST_OF_EACH), "This many jobs of each state, nearest in time first. No pages."),
});

/**
 * Examines 1,000 jobs, 18 MiB or 5 s, ignoring case. A read of 500 costs 3 to 8 commands, a search at most 60.
 *
 * @returns those that it has found, how many it has examined, and where to continue; null if that is all.
 */
export async function findJobs(needs: QueueContext, { state, text, by, cursor }: Search) {
  const { clock } = needs;
  const { fits, since } = by === "retried" ? retriedIn(text, clock()) : { fits: matcher(text, by), since: undefined };
  /** By their ids: a job that has changed its state since it was read is found again, in a later one. */
  const jobs = new Map<string, KeyedJob>();
  const until = clock() + MOST_MS;
  let examined = 0;
  let reads = 0;
  let limit = PIECE;
  let next = cursor;
  const goesOn = () => examined < MOST_EXAMINED && reads < MOST_READS && jobs.size < MOST_FOUND && clock() < until;
  do {
    const page = await listKeyedJobs(needs, { state, cursor: next, limit }, ORDER, since);
    reads++;
    // A page is short if its jobs are large. Asking for many of them would make Redis read a larger sample.
    limit = Math.min(PIECE, 4 * Math.max(page.jobs.length, 1));
    examined += page.jobs.length;
    for (const job of page.jobs.filter(fits)) jobs.set(job.id, job);
    next = page.cursor ?? undefined;
  } while (next !== undefined && goesOn());
  return { jobs: [...jobs.values()], examined, cursor: next ?? null };
}

/** Since a time, or between two, as ISO 8601 writes it: "2026-11-30T12:00:00Z/2026-11-30T12:05:00Z". */
function retriedIn(text: string, now: number) {
  const [start = "", end] = text.split("/", 2);
  const until = end === undefined ? Infinity : pointInTimeMs(end, "search");
  const since = momentBefore(start, now, "search");
  const fits = ({ retriedAt }: KeyedJob) => Number(retriedAt) >= since && Number(retriedAt) <= until;
  return { fits, since };
}

/** The path and the text of a search for one field of payloads. `customer 5` may be one, `customer=5` is. */
function fieldIn(text: string) {
  const [, path = "", sign, part = ""] = /^([\w.-]+)(=|:? )(.*)$/s.exec(text) ?? [];
  return { path, part, isSure: sign === "=" };
}

export function wholeMatcher(text: string): (job: KeyedJob) => boolean {
  const { path, part, isSure } = fieldIn(text);
  const isIn = (json: string) => json.includes(JSON.stringify(text)) || json.split(/[:,[\]{}]/).includes(text);
  return ({ payload }) => textOf(fieldOf(payload, path)) === part || (!isSure && isIn(textOf(payload)));
}

function matcher(text: string, by: Exclude<Search["by"], "retried">): (job: KeyedJob) => boolean {
  const wanted = text.toLowerCase();
  const has = (value: unknown) => textOf(value).toLowerCase().includes(wanted);
  switch (by) {
    case "any": {
      const [inError, inPayload] = [matcher(text, "error"), matcher(text, "payload")];
      return (job) => [job.name, job.id, job.flowKey ?? ""].some(has) || inError(job) || inPayload(job);
    }
    case "key":
      return ({ flowKey }) => flowKey === text;
    case "name":
      return ({ name }) => name === text;
    case "id":
      return ({ id }) => (text.endsWith("…") ? id.startsWith(text.slice(0, -1)) : id.endsWith(text));
    case "error":
      return ({ errors, error }) =>
        [...errors, ...(error ? [error] : [])].some((each) => has(`${each.name}: ${each.message}`));
    case "payload":
      return payloadMatcher(text, has);
  }
}

function payloadMatcher(text: string, has: (value: unknown) => boolean): (job: KeyedJob) => boolean {
  const { path, part, isSure } = fieldIn(text);
  // JSON has punctuation of its own.
  const isText = /[\p{L}\p{N}]/u.test(text);
  return ({ payload }) => {
    const isIn = has(isText ? payload : textsIn(payload));
    if (!isSure && (!path || isIn)) return isIn;
    const value = fieldOf(payload, path);
    // Half of a number is another number.
    if (typeof value === "number" || typeof value === "boolean") return String(value) === part;
    return value !== undefined && textOf(value).toLowerCase().includes(part.toLowerCase());
  };
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** The names and values in a payload. */
const textsIn = (value: unknown): string =>
  typeof value === "object" && value ? Object.entries(value).flat().map(textsIn).join("\n") : String(value);

function fieldOf(value: unknown, path: string): unknown {
  let at: unknown = value;
  for (const name of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}
