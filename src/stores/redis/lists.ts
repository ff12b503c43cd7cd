import { groupAt, groupScore } from "../../core/store/failures.ts";
import type { JobState, Page, PageRequest, QueueStore, StoredJob } from "../../core/store/store.ts";
import { badCursor, readCursor, readUnordered, unorderedCursor, writeCursor } from "../cursor.ts";
import type { Caller } from "./caller.ts";
import { readCounts } from "./families.ts";
import { LEASE_MEMBER } from "./peek.ts";
import * as scripts from "./scripts.generated.ts";
import { completedJob, deadJob, dueJob, foundJob, idOf } from "./stored-job.ts";

/** The most fields that HSCAN reads at once, as many as the largest page has; and how many it reads at first. */
const MOST_SCANNED = 1_000;
const SCANNED_AT_FIRST = 20;
/** The reply of list.lua if completed jobs without an order follow. */
const UNORDERED_FOLLOW = 2;

export function listCalls(caller: Caller): Pick<QueueStore, "find" | "list" | "failures"> {
  return {
    async find(id, now) {
      const { set, score, record, family } = await caller.run(scripts.find, { id });
      if (set === "missing") return undefined;
      const job = foundJob({ id, set, score, record }, now);
      return family === undefined ? job : { ...job, family: readCounts(family) };
    },
    async list(state, page) {
      if (page.group !== undefined) return listGroup(caller, page, page.group);
      const unordered = state === "completed" ? readUnordered(page.cursor) : undefined;
      return unordered === undefined ? listInOrder(caller, state, page) : listUnordered(caller, page, unordered);
    },
    async failures({ cursor, limit, mostBytes, now }) {
      const last = cursor === undefined ? undefined : groupScore(cursor);
      const { ungrouped, more, groups } = await caller.run(scripts.listFailures, { now, limit, mostBytes, last });
      const items = groups.map(({ score, count, firstAt, lastAt, id, record, trend }) => ({
        group: groupAt(score),
        count,
        firstAt,
        sample: deadJob(id, lastAt, record),
        trend: trend.split(",").map((deaths) => (deaths === "" ? null : Number(deaths))),
      }));
      return { items, cursor: more ? items.at(-1)?.group : undefined, ungrouped };
    },
  };
}

async function listInOrder(caller: Caller, state: JobState, page: PageRequest): Promise<Page<StoredJob>> {
  const { now, limit, mostBytes } = page;
  const last = readCursor(page.cursor);
  const seen = last && { lastScore: last.score, lastMember: orderedName(state, last.id) };
  const { more, jobs } = await caller.run(scripts.list, { state, now, limit, mostBytes, ...seen });
  const items = jobs.flatMap(({ name, score, record }) => {
    const id = idOf(name);
    if (state === "completed") return completedJob(id, score, record);
    return state === "dead" ? deadJob(id, score, record) : dueJob(id, score, record, now);
  });
  if (more === UNORDERED_FOLLOW) return { items, cursor: unorderedCursor("") };
  const end = jobs.at(-1);
  return { items, cursor: more === 1 && end ? writeCursor({ score: end.order, id: end.name }) : undefined };
}

function orderedName(state: JobState, name: string): string {
  return state === "running" ? LEASE_MEMBER + name : name;
}

async function listGroup(caller: Caller, page: PageRequest, group: string): Promise<Page<StoredJob>> {
  const { cursor, limit, mostBytes } = page;
  const last = readCursor(cursor);
  const seen = last && { lastDeadSince: last.score, lastId: last.id };
  const args = { score: groupScore(group), limit, mostBytes, ...seen };
  const { more, jobs } = await caller.run(scripts.listGroup, args);
  const end = jobs.at(-1);
  const next = more && end ? writeCursor({ score: end.deadSince, id: end.id }) : undefined;
  const items = jobs.flatMap(({ id, deadSince, record }) => (record === "" ? [] : deadJob(id, deadSince, record)));
  return { items, cursor: next };
}

/** Reads a page of the completed jobs that were not observed. */
async function listUnordered(caller: Caller, page: PageRequest, cursor: string): Promise<Page<StoredJob>> {
  const { limit, mostBytes } = page;
  const [, from = "", seen = "", count = ""] = /^(\d{1,20}):(\d{1,9}):(\d{1,9})$/.exec(cursor || "0:0:0") ?? [];
  if (Number(count) > MOST_SCANNED || from === "") throw badCursor();
  // HSCAN returns the rest of an earlier page only for the same COUNT.
  const scanned = seen === "0" ? Math.min(Number(count) || SCANNED_AT_FIRST, limit) : Number(count);
  const args = { limit, bytesLeft: mostBytes, cursor: from, seen: Number(seen), scanned };
  const next = await caller.run(scripts.listCompleted, args);
  const items = next.jobs.flatMap(({ id, record }) => completedJob(id, 0, record));
  if (next.cursor === "0" && next.seen === 0) return { items, cursor: undefined };
  const fitting = Math.ceil((mostBytes * scanned) / (next.bytes + 1));
  const nextScanned = next.seen === 0 ? Math.min(fitting, MOST_SCANNED) : scanned;
  return { items, cursor: unorderedCursor(`${next.cursor}:${next.seen}:${nextScanned}`) };
}
