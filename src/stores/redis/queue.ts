import { MEBIBYTE, MOST_CLAIMED_BYTES } from "../../core/shared/limits.ts";
import type { DocumentChange, DocumentPageRequest, StoredDocument } from "../../core/store/documents.ts";
import { groupScore } from "../../core/store/failures.ts";
import type { StoredHour, StoredNameFigures } from "../../core/store/figures.ts";
import type { FlowChange, FlowState } from "../../core/store/flow.ts";
import type { Meter } from "../../core/store/meter.ts";
import { MOST_PENDING_READ, type StoredPending } from "../../core/store/pending.ts";
import type { ManifestChange, SchedulePut, StoredSchedule } from "../../core/store/schedules.ts";
import { BORN_MEMBER, leaseScore, MOST_PEEKED, unpack, waitingScore } from "../../core/store/score.ts";
import type { StoredStats } from "../../core/store/stats.ts";
import type { FailuresPage, FailuresRequest } from "../../core/store/store.ts";
import {
  type CancelStatus,
  type Change,
  type ClaimRequest,
  type ClearableState,
  type DeadJobRetry,
  type EnqueueReply,
  type ExchangeReply,
  type ExchangeRequest,
  type ExtendReply,
  type FlowPageRequest,
  type FoundDead,
  type JobState,
  type Layout,
  type LeaseRenewal,
  type LocalFacts,
  type NewJob,
  type Page,
  type PageRequest,
  type PeekReply,
  type QueueStore,
  renewedLease,
  type SettleReply,
  type SettleRequest,
  type Spread,
  type StoredJob,
  sizeOf,
} from "../../core/store/store.ts";
import { badCursor, readCursor, readUnordered, unorderedCursor, writeCursor } from "../cursor.ts";
import { earlierPartitions, wrongPartitions } from "../wrong-partitions.ts";
import {
  completedJob,
  counterFields,
  deadJob,
  deadJobs,
  dueJob,
  enqueueReply,
  exchangeReply,
  failuresPage,
  fireArguments,
  goneAmong,
  idOf,
  isUnused,
  listedMember,
  nextDue,
  putArguments,
  storedHours,
  storedNameFigures,
  storedPending,
  storedSchedules,
  storedStats,
  texts,
  watchArguments,
} from "./codec.ts";
import type { Connection, Sending } from "./connection.ts";
import { changeArguments, pageArguments, placeOf, readDocument, readDocuments } from "./documents.ts";
import { isRefusedCommand } from "./explain.ts";
import { changeFlowArguments, flowField, flowHead, newFlowText, readFlowState } from "./flow.ts";
import { earlierKeysOf, type QueueKeys } from "./keys.ts";
import { loneEnqueue, loneJob } from "./lone-enqueue.ts";
import { PAUSED_MEMBER } from "./members.ts";
import {
  mostOfDeclare,
  mostOfExchange,
  mostOfExtend,
  mostOfListing,
  mostOfPartitions,
  mostOfPeek,
  mostOfSweep,
} from "./most-commands.ts";
import { figureArguments, followUpArguments, outcomeArguments, toSend } from "./outcomes.ts";
import { type Script, scripts } from "./scripts.generated.ts";
import { readLayout, writeEarlier, writeSpread } from "./spread.ts";

/** How many members one call of `clear` looks at. */
const CLEARED_AT_ONCE = 1_000;
/** How many fields HSCAN is asked for at most: as many as the largest page has. And at first, while it is unknown how large they are. */
const MOST_SCANNED = 1_000;
const SCANNED_AT_FIRST = 20;
/**
 * Up to how many members of `due` are read to count them: that is one command, and beyond it ZCOUNT needs seven to eleven. A running job
 * has two members.
 */
const MOST_READ = 5_000;
/** The same for metrics, which are read less often than statistics: Redis takes some 10 ms for as many. */
const MOST_MEASURED = 20_000;
/** How many bytes of records are read in Redis to count waiting jobs by name. */
const MOST_PENDING_BYTES = 4 * MEBIBYTE;
/** How list.lua answers where completed jobs without order follow. */
const UNORDERED_FOLLOW = "2";
/** Where `clear` goes on while it has passed over nothing. */
const FROM_THE_START = "0";

/** A number that keeps two calls of the same millisecond apart if one of them is sent again. */
function newNonce(random: () => number): string {
  return String(Math.floor(random() * 1_024));
}

const flag = (value: boolean): string => (value ? "1" : "0");

/** A claim that takes nothing: exchange.lua then only reads what is due next. */
const NO_CLAIM: ClaimRequest = { limit: 0, leaseMs: 0 };
/** A claim for which exchange.lua does not even read what is due next. */
const NO_READ: ClaimRequest = { limit: -1, leaseMs: 0 };

/** One queue in Redis, over whatever carries its commands: each method writes the arguments of a script and reads its answer. */
export class RedisQueue implements QueueStore {
  readonly #connection: Connection;
  readonly #keys: QueueKeys;
  readonly #meter: Meter | undefined;
  readonly #random: () => number;

  constructor(connection: Connection, keys: QueueKeys, meter: Meter | undefined, random: () => number) {
    this.#connection = connection;
    this.#keys = keys;
    this.#meter = meter;
    this.#random = random;
    this.local = {
      keepsConnection: connection.keepsConnection,
      mostOfExchange,
      mostOfPeek: { roundTrips: 1, commands: mostOfPeek },
      mustPeek: false,
      mostOfExtend: (leases) => ({ roundTrips: 1, commands: mostOfExtend(leases) }),
      mostOfPartitions: { roundTrips: 1, commands: mostOfPartitions },
      mostOfDeclare: (schedules) => ({ roundTrips: 2, commands: mostOfListing + mostOfDeclare(schedules, 1) }),
      idSource: (newId) => newId,
      idBeside: (_, make) => make(),
      partitionOf: () => 0,
    };
  }

  readonly local: LocalFacts;

  get #places(): ReadonlyMap<string, string> {
    return this.#connection.places.get(this.#keys.due) ?? new Map();
  }

  #notePlaces(places: ReadonlyMap<string, string>): void {
    if (places.size === 0) return;
    const known = [...this.#places, ...places].filter(([name]) => places.get(name) !== "");
    this.#connection.places.set(this.#keys.due, new Map(known));
  }

  /** Notes whether the queue has the mark that stays once it was used. @returns whether it had it before, and was emptied. */
  #isEmptied(isUnused: boolean | undefined): boolean {
    const { used, places } = this.#connection;
    const { due } = this.#keys;
    if (isUnused === false) used.add(due);
    const isEmptied = isUnused === true && used.delete(due);
    if (isEmptied) places.delete(due);
    return isEmptied;
  }

  async enqueue(jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]> {
    if (jobs.length === 0) return [];
    const nonce = newNonce(this.#random);
    const rest = jobs.flatMap((job) => [
      job.id,
      flag(job.isFreshId),
      String(waitingScore(job.runAt)),
      job.record,
      job.leaseEndsAt === undefined ? "" : String(leaseScore({ endsAt: job.leaseEndsAt, claims: 1 })),
      job.dedupe?.key ?? "",
      String(job.dedupe?.ttlMs ?? ""),
      job.dedupe?.replaces ?? "",
      newFlowText(job.flow) + (job.keepsLimits ? "=" : ""),
    ]);
    const args = (isResend: boolean) => [String(now), flag(isResend), nonce, ...rest];
    const lone = this.#connection.keepsOrder ? loneJob(jobs) : undefined;
    const stored = lone && (await this.#enqueueLone(lone, args));
    if (stored && "added" in stored) {
      const emptied = this.#noteEnqueued(stored.added > 1);
      return jobs.map(({ id, runAt }) => ({ status: "enqueued", id, runAt, lease: undefined, ...emptied }));
    }
    const replies = stored?.answer ?? (await this.#texts(scripts.enqueue, args));
    const use = replies[jobs.length * 5];
    const emptied = use ? this.#noteEnqueued(use === "1") : {};
    return jobs.map((job, index) => ({
      ...enqueueReply(job, replies.slice(index * 5, index * 5 + 5), now),
      ...emptied,
    }));
  }

  #noteEnqueued(wasUnused: boolean): Pick<EnqueueReply, "isEmptied"> {
    const isEmptied = this.#isEmptied(wasUnused);
    this.#connection.used.add(this.#keys.due);
    return isEmptied ? { isEmptied } : {};
  }

  /** Stores a job by plain commands. Gives how many members they have added, or what the script has answered in their place; undefined if the script must be run. */
  async #enqueueLone(
    job: NewJob,
    args: (isResend: boolean) => readonly string[],
  ): Promise<{ readonly added: number } | { readonly answer: readonly string[] } | undefined> {
    const inPlace = loneEnqueue(job, this.#keys);
    const sent = await this.#orRefusal(
      this.#connection.runInPlace(inPlace, scripts.enqueue, this.#keys, args, this.#meter),
    );
    if ("answer" in sent) return { answer: texts(sent.answer) };
    const added = Number(sent.answers[1]);
    return added > 0 ? { added } : undefined;
  }

  async settle(request: SettleRequest): Promise<SettleReply> {
    const { settled, gone } = await this.#exchange({ ...request, fire: [] }, NO_READ);
    return { settled, gone };
  }

  async exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#exchange(request, request.claim ?? NO_CLAIM);
  }

  async #exchange(
    request: ExchangeRequest,
    { limit, leaseMs, countLeft = false, meetsKeys = true, firesDeclared = false }: ClaimRequest,
  ): Promise<ExchangeReply> {
    const { now, settle, fire, retentionMs, observe = false, watch = [], isResend = false, resendPauseMs } = request;
    const { commands: most } = mostOfExchange(sizeOf(request));
    const sweeping = most + mostOfSweep(settle.length);
    const maySweep = settle.length > 0 && this.#meter?.allows?.({ roundTrips: 1, commands: sweeping }) !== false;
    const { sent, acceptedBy } = toSend(settle);
    const given = [
      ...[String(now), flag(isResend), newNonce(this.#random), String(limit), flag(countLeft)],
      ...[leaseMs, retentionMs, MOST_CLAIMED_BYTES].map(String),
      ...[maySweep, meetsKeys, firesDeclared, observe].map(flag),
      ...outcomeArguments(sent, now),
      ...followUpArguments(sent),
      ...figureArguments(sent, observe ? this.#places : undefined),
      ...watchArguments(settle.length > 0 ? watch : []),
      String(fire.length),
      ...fire.flatMap(fireArguments),
    ];
    const args = (isSentAgain: boolean) => (isSentAgain ? given.with(1, flag(true)) : given);
    const sending = { pauseMs: resendPauseMs, most: maySweep ? sweeping : most };
    const answer = await this.#texts(scripts.exchange, args, sending);
    const { places, missing, settled, ...reply } = exchangeReply(answer, sent.length, fire.length, now);
    this.#notePlaces(places);
    return { ...reply, settled: acceptedBy(settled), gone: goneAmong(watch, missing) };
  }

  async partitions(wanted?: Spread): Promise<Layout> {
    const stored = await this.#spread(wanted, "");
    if (!wanted) return readLayout(stored);
    const earlier = writeEarlier(wanted);
    if (stored !== earlier || !this.#affordsSearch(wanted)) return readLayout(stored);
    await this.#refuseEarlierKeys(wanted);
    return readLayout(await this.#spread(wanted, earlier));
  }

  async #spread(wanted: Spread | undefined, replaced: string): Promise<string> {
    const args = [wanted ? writeSpread(wanted) : "", replaced];
    const sending = { most: mostOfPartitions };
    return String(await this.#connection.run(scripts.partitions, this.#keys, () => args, this.#meter, sending));
  }

  /** Where a budget has no room to look for the keys of earlier versions, the next call that has it does. */
  #affordsSearch({ partitions }: Spread): boolean {
    return this.#meter?.allows?.({ roundTrips: 2, commands: partitions + mostOfPartitions }) !== false;
  }

  /** Jobs, schedules and the dead letter under names that this version does not read would be as good as lost. */
  async #refuseEarlierKeys({ partitions }: Spread): Promise<void> {
    const parts = Array.from({ length: partitions }, (_, partition) => earlierKeysOf(this.#keys, partition));
    const counts = await this.#plain(parts.map(({ due, dead }) => ["EXISTS", due, dead]));
    const found = parts.find((_, partition) => Number(counts[partition]) > 0);
    if (found) throw earlierPartitions(this.#keys.queue, found.due);
  }

  async peek(now: number): Promise<PeekReply> {
    const [head] = await this.#plain([this.#peekCommand()]);
    return this.#peeked(texts(head), now);
  }

  #peeked(head: readonly string[], now: number): PeekReply {
    const isEmptied = this.#isEmptied(isUnused(head));
    return { ...nextDue(head, now), ...(isEmptied && { isEmptied }) };
  }

  async peekWithManifest(now: number): Promise<PeekReply & { readonly manifest: string | undefined }> {
    const [head, manifest] = await this.#plain([this.#peekCommand(), ["GET", this.#keys.manifest]]);
    return { ...this.#peeked(texts(head), now), manifest: typeof manifest === "string" ? manifest : undefined };
  }

  // The mark of a pause stands before all others.
  #peekCommand(): readonly string[] {
    return ["ZRANGE", this.#keys.due, "0", String(MOST_PEEKED - 1), "WITHSCORES"];
  }

  async extend(renewals: readonly LeaseRenewal[]): Promise<ExtendReply> {
    const extended = renewals.map(({ lease, endsAt }) => renewedLease(lease, endsAt));
    const args = renewals.flatMap(({ lease, record }, index) => [
      lease.id,
      String(leaseScore(lease)),
      String(leaseScore(extended[index] ?? lease)),
      record === undefined ? "" : flowHead(lease.flow) + record,
      lease.bornAs ?? "",
    ]);
    const withNonce = [newNonce(this.#random), ...args];
    const answers = await this.#texts(scripts.extend, () => withNonce, { most: mostOfExtend(renewals.length) });
    return { leases: extended.map((lease, index) => (answers[index] === "1" ? lease : null)) };
  }

  async find(id: string, now: number): Promise<StoredJob | undefined> {
    const [set = "", score = "", record = ""] = await this.#texts(scripts.find, () => [id]);
    if (set === "due") return dueJob(id, Number(score), record, now);
    if (set === "done") return { id, state: "completed", record, at: 0, claims: 0 };
    if (set === "dead") return deadJob(id, Number(score), record);
    return undefined;
  }

  async findDead(ids: readonly string[], mostBytes: number): Promise<FoundDead> {
    if (ids.length === 0) return { jobs: [], rest: [] };
    const [looked, ...rows] = await this.#texts(scripts.findDead, () => [String(mostBytes), ...ids]);
    return { jobs: deadJobs(rows), rest: ids.slice(Number(looked)) };
  }

  async list(state: JobState, page: PageRequest): Promise<Page<StoredJob>> {
    if (page.group !== undefined) return this.#listGroup(page, page.group);
    const unordered = state === "completed" ? readUnordered(page.cursor) : undefined;
    if (unordered !== undefined) return this.#listUnordered(page, unordered);
    const last = readCursor(page.cursor);
    const args = [
      state,
      String(page.now),
      String(page.limit),
      String(page.mostBytes),
      String(last?.score ?? ""),
      last ? listedMember(state, last.id) : "",
    ];
    const [more, ...rows] = await this.#texts(scripts.list, () => args);
    const items: StoredJob[] = [];
    let cursor: string | undefined;
    for (let i = 0; i < rows.length; i += 4) {
      const [name = "", score = "", record = "", order = ""] = rows.slice(i, i + 4);
      const id = idOf(name);
      cursor = writeCursor({ score: Number(order), id: name });
      if (state === "completed") items.push(...completedJob(id, Number(score), record));
      else if (state === "dead") items.push(deadJob(id, Number(score), record));
      else items.push(dueJob(id, Number(score), record, page.now));
    }
    if (more === UNORDERED_FOLLOW) return { items, cursor: unorderedCursor("") };
    return { items, cursor: more === "1" ? cursor : undefined };
  }

  async #listGroup({ cursor, limit, mostBytes }: PageRequest, group: string): Promise<Page<StoredJob>> {
    const last = readCursor(cursor);
    const args = [String(groupScore(group)), ...[limit, mostBytes, last?.score ?? "", last?.id ?? ""].map(String)];
    const [more, ...rows] = await this.#texts(scripts.listGroup, () => args);
    const jobs = deadJobs(rows);
    const end = jobs.at(-1);
    const next = more === "1" && end ? writeCursor({ score: end.at, id: end.id }) : undefined;
    return { items: jobs.filter(({ record }) => record !== ""), cursor: next };
  }

  async failures({ cursor, limit, mostBytes, now }: FailuresRequest): Promise<FailuresPage> {
    const last = cursor === undefined ? "" : groupScore(cursor);
    const args = [now, limit, mostBytes, last].map(String);
    return failuresPage(await this.#texts(scripts.listFailures, () => args));
  }

  /** Reads a page of the completed jobs that were not observed. */
  async #listUnordered({ limit, mostBytes }: PageRequest, cursor: string): Promise<Page<StoredJob>> {
    const [, from = "", seen = "", count = ""] = /^(\d{1,20}):(\d{1,9}):(\d{1,9})$/.exec(cursor || "0:0:0") ?? [];
    if (Number(count) > MOST_SCANNED || from === "") throw badCursor();
    // HSCAN gives the rest of what it gave before only where it is asked for as many.
    const scanned = seen === "0" ? Math.min(Number(count) || SCANNED_AT_FIRST, limit) : Number(count);
    const args = [String(limit), String(mostBytes), from, seen, String(scanned)];
    const [next, nextSeen, bytes, ...rows] = await this.#texts(scripts.listCompleted, () => args);
    const items: StoredJob[] = [];
    for (let i = 0; i < rows.length; i += 2) {
      items.push({ id: rows[i] as string, state: "completed", record: rows[i + 1] as string, at: 0, claims: 0 });
    }
    if (next === "0" && nextSeen === "0") return { items, cursor: undefined };
    const fitting = Math.ceil((mostBytes * scanned) / (Number(bytes) + 1));
    const nextScanned = nextSeen === "0" ? Math.min(fitting, MOST_SCANNED) : scanned;
    return { items, cursor: unorderedCursor(`${next}:${nextSeen}:${nextScanned}`) };
  }

  async areWaiting(ids: readonly string[], now: number): Promise<readonly boolean[]> {
    if (ids.length === 0) return [];
    const names = ids.flatMap((id) => [id, BORN_MEMBER + id]);
    const [scores] = await this.#plain([["ZMSCORE", this.#keys.due, ...names]]);
    const found = Array.isArray(scores) ? scores : [];
    return ids.map((_, index) => {
      const score: unknown = found[2 * index] ?? found[2 * index + 1];
      if (score === undefined || score === null) return false;
      const { at, isLeased } = unpack(Number(score));
      return at <= now || !isLeased;
    });
  }

  async cancel(ids: readonly string[], now: number, mayRun = false): Promise<readonly CancelStatus[]> {
    if (ids.length === 0) return [];
    const args = [String(now), flag(mayRun), ...ids];
    return (await this.#texts(scripts.cancel, () => args)) as readonly CancelStatus[];
  }

  async reschedule(ids: readonly string[], runAt: number, now: number): Promise<readonly boolean[]> {
    if (ids.length === 0) return [];
    const args = [String(now), String(runAt), ...ids];
    return (await this.#texts(scripts.reschedule, () => args)).map((answer) => answer === "1");
  }

  async change({ id, from, runAt, record = "", flow }: Change): Promise<boolean> {
    const score = String(waitingScore(runAt, from.claims));
    const args = [id, String(from.at), String(from.claims), score, record, flowHead(flow)];
    return (await this.#number(scripts.change, args)) === 1;
  }

  async retryDead(retries: readonly DeadJobRetry[], now: number): Promise<readonly boolean[]> {
    if (retries.length === 0) return [];
    const rest = retries.flatMap(({ id, deadSince, runAt, claims, record, flow }) => [
      id,
      String(deadSince),
      String(waitingScore(runAt, claims)),
      record,
      newFlowText(flow),
    ]);
    return (await this.#texts(scripts.retryDead, (isResend) => [flag(isResend), String(now), ...rest])).map(
      (answer) => answer === "1",
    );
  }

  async removeDead(ids: readonly string[]): Promise<number> {
    return ids.length === 0 ? 0 : this.#number(scripts.removeDead, ids);
  }

  async clear(
    state: ClearableState,
    now: number,
    from = FROM_THE_START,
    most = CLEARED_AT_ONCE,
  ): Promise<{ readonly cleared: number; readonly next: string | undefined }> {
    const last = from === FROM_THE_START ? undefined : readCursor(from);
    const args = [state, String(now), String(most), String(last?.score ?? ""), last?.id ?? ""];
    const [cleared, more, score, id = ""] = await this.#texts(scripts.clear, () => args);
    const next = id === "" ? FROM_THE_START : writeCursor({ score: Number(score), id });
    return { cleared: Number(cleared), next: more === "1" ? next : undefined };
  }

  async findFlow(key: string, now: number): Promise<FlowState | undefined> {
    const field = flowField(key);
    const [text] = await this.#plain([["HGET", this.#keys.flow, field]]);
    return typeof text === "string" ? readFlowState(field, text, now) : undefined;
  }

  async listFlows({ cursor = "0", limit, now }: FlowPageRequest): Promise<Page<FlowState>> {
    // Redis takes any number of 64 bits.
    if (!/^\d{1,20}$/.test(cursor) || BigInt(cursor) >= 1n << 64n) throw badCursor();
    const [answer] = await this.#plain([["HSCAN", this.#keys.flow, cursor, "COUNT", String(limit)]]);
    const [next, fields] = Array.isArray(answer) ? answer : [];
    const pairs = texts(fields);
    const items: FlowState[] = [];
    for (let at = 0; at < pairs.length; at += 2) {
      const state = readFlowState(pairs[at] as string, pairs[at + 1] as string, now);
      if (state) items.push(state);
    }
    return { items, cursor: String(next) === "0" ? undefined : String(next) };
  }

  async changeFlow(key: string, change: FlowChange, now: number): Promise<void> {
    await this.#run(scripts.changeFlow, () => [flowField(key), String(now), ...changeFlowArguments(change)]);
  }

  async pulse(): Promise<string> {
    const [members, counters] = await this.#plain([
      ["ZCARD", this.#keys.due],
      ["BITFIELD", this.#keys.stats, ...counterFields],
    ]);
    return [members, ...texts(counters)].join();
  }

  async stats(now: number, withNames = false): Promise<StoredStats> {
    const args = [String(now), flag(withNames), String(withNames ? MOST_MEASURED : MOST_READ)];
    return storedStats(await this.#texts(scripts.stats, () => args), withNames);
  }

  async figures(now: number, days: number): Promise<readonly StoredNameFigures[]> {
    return storedNameFigures(await this.#texts(scripts.figures, () => [String(now), String(days)]), days);
  }

  async pending(now: number): Promise<StoredPending> {
    const args = [now, MOST_READ, MOST_PENDING_READ, MOST_PENDING_BYTES].map(String);
    return storedPending(await this.#texts(scripts.pending, () => args));
  }

  async history(now: number, hours: number): Promise<readonly StoredHour[]> {
    return storedHours(await this.#texts(scripts.history, () => [String(now), String(hours)]));
  }

  async setPaused(paused: boolean): Promise<void> {
    const command = paused ? ["ZADD", this.#keys.due, "-1", PAUSED_MEMBER] : ["ZREM", this.#keys.due, PAUSED_MEMBER];
    await this.#plain([command]);
  }

  async putSchedule(put: SchedulePut): Promise<boolean> {
    return (await this.#number(scripts.putSchedule, putArguments(put))) === 1;
  }

  async findSchedule(key: string): Promise<StoredSchedule | undefined> {
    return (await this.#schedules([key]))[0];
  }

  async listSchedules(): Promise<readonly StoredSchedule[]> {
    return this.#schedules([]);
  }

  async #schedules(keys: readonly string[]): Promise<readonly StoredSchedule[]> {
    return storedSchedules(await this.#texts(scripts.listSchedules, () => keys, { most: mostOfListing }));
  }

  async removeSchedule(key: string): Promise<boolean> {
    return (await this.#number(scripts.removeSchedule, [key])) === 1;
  }

  async declare({ from = "", manifest, put, remove }: ManifestChange): Promise<boolean> {
    const args = [from, manifest, String(put.length), ...put.flatMap(putArguments), ...remove];
    return (await this.#number(scripts.declare, args, mostOfDeclare(put.length, remove.length))) === 1;
  }

  async findDocument(kind: string, name: string, now: number): Promise<StoredDocument | undefined> {
    const place = placeOf(kind, name);
    const [text] = await this.#plain([["HGET", this.#keys.documents, place]]);
    return typeof text === "string" ? readDocument(place, text, now) : undefined;
  }

  async listDocuments(page: DocumentPageRequest): Promise<Page<StoredDocument>> {
    const args = pageArguments(page);
    return readDocuments(await this.#texts(scripts.listDocuments, () => args), page.now);
  }

  async changeDocuments(changes: readonly DocumentChange[], now: number): Promise<boolean> {
    if (changes.length === 0) return true;
    const args = [String(now), ...changes.flatMap(changeArguments)];
    return (await this.#number(scripts.changeDocuments, args)) === 1;
  }

  #run(script: Script, args: (isResend: boolean) => readonly string[], sending?: Sending): Promise<unknown> {
    return this.#orRefusal(this.#connection.run(script, this.#keys, args, this.#meter, sending));
  }

  #plain(commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    return this.#orRefusal(this.#connection.plain(commands, this.#meter));
  }

  /** The keys of a queue in partitions refuse every command: what they hold is the reason. */
  #orRefusal<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return answer.catch(async (error: unknown) => {
      const layout = isRefusedCommand(error) ? await this.partitions().catch(() => undefined) : undefined;
      throw typeof layout === "object" ? wrongPartitions(this.#keys.queue, layout, undefined) : error;
    });
  }

  async #texts(
    script: Script,
    args: (isResend: boolean) => readonly string[],
    sending?: Sending,
  ): Promise<readonly string[]> {
    return texts(await this.#run(script, args, sending));
  }

  async #number(script: Script, args: readonly string[], most = 0): Promise<number> {
    return Number(await this.#run(script, () => args, { most }));
  }
}
