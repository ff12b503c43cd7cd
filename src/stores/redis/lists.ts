import { readCursor, writeCursor } from "../../core/store/cursor.ts";
import { groupAt, groupScore, TREND_SLOT_MS } from "../../core/store/failures.ts";
import { unpack, WAITS_FOR_CHILDREN_AT } from "../../core/store/score.ts";
import type { JobState, Page, PageRequest, QueueStore, StoredJob } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { readCounts } from "./families.ts";
import { readFlow } from "./flow.ts";
import { LEASE_MEMBER } from "./peek.ts";
import * as scripts from "./scripts.generated.ts";

export function listCalls(caller: Caller) {
  return {
    async find(id, now) {
      const { set, score, record, family } = await caller.run(scripts.find, { id });
      if (set === "missing") return undefined;
      const job = storedJob(set, { id, score, record }, now);
      return family === undefined ? job : { ...job, family: readCounts(family) };
    },
    async findEach(ids, mostBytes, now, onlyDead = false) {
      if (ids.length === 0) return { jobs: [], rest: [] };
      const { read, jobs } = await caller.run(scripts.findEach, { mostBytes, onlyDead, ids });
      return { jobs: jobs.map((job) => storedJob(job.set, job, now)), rest: ids.slice(read) };
    },
    list: (state, page) =>
      page.group === undefined ? listInOrder(caller, state, page) : listGroup(caller, page, page.group),
    async failures({ cursor, limit, mostBytes, now, slotMs = TREND_SLOT_MS }) {
      const last = cursor === undefined ? undefined : groupScore(cursor);
      const args = { now, limit, mostBytes, slotMs, last };
      const { ungrouped, more, groups } = await caller.run(scripts.listFailures, args);
      const items = groups.map(({ score, count, firstAt, lastAt, id, record, trend }) => ({
        group: groupAt(score),
        count,
        firstAt,
        sample: deadJob(id, lastAt, record),
        trend: trend.split(",").map((deaths) => (deaths === "" ? null : Number(deaths))),
      }));
      return { items, cursor: more ? items.at(-1)?.group : undefined, ungrouped };
    },
  } satisfies Partial<QueueStore>;
}

async function listInOrder(caller: Caller, state: JobState, page: PageRequest): Promise<Page<StoredJob>> {
  const { now, limit, mostBytes } = page;
  const last = readCursor(page.cursor);
  const name = (id: string) => (state === "running" ? LEASE_MEMBER + id : id);
  const seen = last && { lastScore: last.score, lastMember: name(last.id) };
  const { more, jobs } = await caller.run(scripts.list, { state, now, limit, mostBytes, ...seen });
  const set = state === "completed" || state === "dead" ? state : "due";
  const kept = jobs.filter(({ record }) => state !== "completed" || record !== "");
  const items = kept.map((job) => storedJob(set, job, now));
  const end = jobs.at(-1);
  return { items, cursor: more && end ? writeCursor({ score: end.order, id: end.id }) : undefined };
}

async function listGroup(caller: Caller, page: PageRequest, group: string): Promise<Page<StoredJob>> {
  const { limit, mostBytes } = page;
  const last = readCursor(page.cursor);
  const seen = last && { lastDeadSince: last.score, lastId: last.id };
  const args = { score: groupScore(group), limit, mostBytes, ...seen };
  const { more, jobs } = await caller.run(scripts.listGroup, args);
  const items = jobs.flatMap(({ id, deadSince, record }) => (record === "" ? [] : deadJob(id, deadSince, record)));
  const end = jobs.at(-1);
  return { items, cursor: more && end ? writeCursor({ score: end.deadSince, id: end.id }) : undefined };
}

/** A job that was found in one of the sets. `score` is when a job has completed, 0 for unknown, or has become dead. */
function storedJob(
  set: "due" | "completed" | "dead",
  { id, score, record }: { readonly id: string; readonly score: number; readonly record: string },
  now: number,
): StoredJob {
  switch (set) {
    case "due":
      return dueJob(id, score, record, now);
    case "dead":
      return deadJob(id, score, record);
    case "completed":
      return { id, state: "completed", record: readFlow(record).record, at: score, claims: 0 };
  }
}

/** A live job. It is ready again once its lease has run out. */
function dueJob(id: string, score: number, record: string, now: number): StoredJob {
  const { at, claims, isLeased } = unpack(score);
  const ahead: JobState = isLeased ? "running" : "scheduled";
  const job = { id, state: at <= now ? ("ready" as const) : ahead, at, claims };
  // A parent is not in the line of its key yet.
  return at === WAITS_FOR_CHILDREN_AT ? { ...job, record: readFlow(record).record } : { ...job, ...readFlow(record) };
}

function deadJob(id: string, at: number, record: string): StoredJob {
  return { id, state: "dead", at, claims: 0, ...readFlow(record) };
}
