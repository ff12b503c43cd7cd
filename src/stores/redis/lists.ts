import { groupAt, groupScore } from "../../core/store/failures.ts";
import type { JobState, Page, PageRequest, QueueStore, StoredFailures, StoredJob } from "../../core/store/store.ts";
import { badCursor, readCursor, readUnordered, unorderedCursor, writeCursor } from "../cursor.ts";
import { type Caller, rowsOf } from "./caller.ts";
import { readCounts } from "./families.ts";
import { LEASE_MEMBER } from "./peek.ts";
import * as scripts from "./scripts.generated.ts";
import { completedJob, deadJob, deadJobs, dueJob, idOf } from "./stored-job.ts";

/** The most fields that HSCAN reads at once, as many as the largest page has; and how many it reads at first. */
const MOST_SCANNED = 1_000;
const SCANNED_AT_FIRST = 20;
/** The reply of list.lua if completed jobs without an order follow. */
const UNORDERED_FOLLOW = "2";

export function listCalls(caller: Caller): Pick<QueueStore, "find" | "list" | "failures"> {
  return {
    async find(id, now) {
      const [set = "", score = "", record = "", family = ""] = await caller.texts(scripts.find, [id]);
      if (set === "due") {
        const job = dueJob(id, Number(score), record, now);
        return family === "" ? job : { ...job, family: readCounts(family) };
      }
      if (set === "done") return { id, state: "completed", record, at: 0, claims: 0 };
      if (set === "dead") return deadJob(id, Number(score), record);
      return undefined;
    },
    async list(state, page) {
      if (page.group !== undefined) return listGroup(caller, page, page.group);
      const unordered = state === "completed" ? readUnordered(page.cursor) : undefined;
      return unordered === undefined ? listInOrder(caller, state, page) : listUnordered(caller, page, unordered);
    },
    async failures({ cursor, limit, mostBytes, now }) {
      const last = cursor === undefined ? "" : groupScore(cursor);
      const args = [now, limit, mostBytes, last].map(String);
      const [ungrouped, more, ...rest] = await caller.texts(scripts.listFailures, args);
      const items = rowsOf(rest, 7).map(storedFailures);
      return { items, cursor: more === "1" ? items.at(-1)?.group : undefined, ungrouped: Number(ungrouped) };
    },
  };
}

async function listInOrder(caller: Caller, state: JobState, page: PageRequest): Promise<Page<StoredJob>> {
  const { now, limit, mostBytes } = page;
  const last = readCursor(page.cursor);
  const seen = last ? [String(last.score), orderedName(state, last.id)] : ["", ""];
  const args = [state, ...[now, limit, mostBytes].map(String), ...seen];
  const [more, ...rest] = await caller.texts(scripts.list, args);
  const rows = rowsOf(rest, 4);
  const items = rows.flatMap(([name = "", score, record = ""]) => {
    const id = idOf(name);
    if (state === "completed") return completedJob(id, Number(score), record);
    return state === "dead" ? deadJob(id, Number(score), record) : dueJob(id, Number(score), record, now);
  });
  if (more === UNORDERED_FOLLOW) return { items, cursor: unorderedCursor("") };
  const [id = "", , , score] = rows.at(-1) ?? [];
  return { items, cursor: more === "1" && score ? writeCursor({ score: Number(score), id }) : undefined };
}

function orderedName(state: JobState, name: string): string {
  return state === "running" ? LEASE_MEMBER + name : name;
}

async function listGroup(caller: Caller, page: PageRequest, group: string): Promise<Page<StoredJob>> {
  const { cursor, limit, mostBytes } = page;
  const last = readCursor(cursor);
  const args = [groupScore(group), limit, mostBytes, last?.score ?? "", last?.id ?? ""].map(String);
  const [more, ...rest] = await caller.texts(scripts.listGroup, args);
  const jobs = deadJobs(rest);
  const end = jobs.at(-1);
  const next = more === "1" && end ? writeCursor({ score: end.at, id: end.id }) : undefined;
  return { items: jobs.filter(({ record }) => record !== ""), cursor: next };
}

/** Reads a page of the completed jobs that were not observed. */
async function listUnordered(caller: Caller, page: PageRequest, cursor: string): Promise<Page<StoredJob>> {
  const { limit, mostBytes } = page;
  const [, from = "", seen = "", count = ""] = /^(\d{1,20}):(\d{1,9}):(\d{1,9})$/.exec(cursor || "0:0:0") ?? [];
  if (Number(count) > MOST_SCANNED || from === "") throw badCursor();
  // HSCAN returns the rest of an earlier page only for the same COUNT.
  const scanned = seen === "0" ? Math.min(Number(count) || SCANNED_AT_FIRST, limit) : Number(count);
  const args = [String(limit), String(mostBytes), from, seen, String(scanned)];
  const [next, nextSeen, bytes, ...rest] = await caller.texts(scripts.listCompleted, args);
  const items = rowsOf(rest, 2).flatMap(([id = "", record = ""]) => completedJob(id, 0, record));
  if (next === "0" && nextSeen === "0") return { items, cursor: undefined };
  const fitting = Math.ceil((mostBytes * scanned) / (Number(bytes) + 1));
  const nextScanned = nextSeen === "0" ? Math.min(fitting, MOST_SCANNED) : scanned;
  return { items, cursor: unorderedCursor(`${next}:${nextSeen}:${nextScanned}`) };
}

function storedFailures([
  score,
  count,
  first,
  last,
  id = "",
  record = "",
  trend = "",
]: readonly string[]): StoredFailures {
  return {
    group: groupAt(Number(score)),
    count: Number(count),
    firstAt: Number(first),
    sample: deadJob(id, Number(last), record),
    trend: trend.split(",").map((deaths) => (deaths === "" ? null : Number(deaths))),
  };
}
