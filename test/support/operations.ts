import { deepStrictEqual, rejects } from "node:assert/strict";
import fc from "fast-check";
import { JobLease, renewAll } from "../../src/core/attempt/lease.ts";
import { childId, type NewFamily, type NewMember, type WaitFor, withoutChildren } from "../../src/core/store/family.ts";
import type { FlowChange, FlowLimits, PinnedLimit } from "../../src/core/store/flow.ts";
import { returnsOf } from "../../src/core/store/returns.ts";
import type { SchedulePlan } from "../../src/core/store/schedules.ts";
import { openWaits, waitsOf, writtenEvent } from "../../src/core/store/signals.ts";
import {
  CLAIM_CYCLE,
  type ExchangeReply,
  type FollowUpJob,
  type Lease,
  type LeasedJob,
  nextClaims,
  type Outcome,
  type QueueStore,
  type RunLimits,
  type SettleReply,
  type SettleRequest,
  type Timing,
} from "../../src/core/store/store.ts";
import { TidegateError } from "../../src/index.ts";
import { aroundCalls } from "./around-calls.ts";
import { start } from "./clock.ts";

/** The state of a random sequence: the time, and every lease ever given, so that it also tries old ones. */
export interface Scene {
  now: number;
  /** The number of the operation. It makes records and leases unique, as those of real callers are. */
  step: number;
  readonly leases: Lease[];
  readonly due: { readonly key: string; readonly occurrence: number }[];
  /** What was settled last. */
  settled: readonly Outcome[];
  /** The records of accepted outcomes with a timing: each has its own. */
  readonly timed: Set<string>;
  /** The records of claimed jobs, by their ids. */
  readonly claimed: Map<string, string>;
}

/** One call of the store port, with parameters that depend on the scene. It returns the answer to compare. */
export interface Operation {
  readonly name: string;
  /** Whether it never meets a fault. */
  readonly isSafeFromFaults?: boolean;
  /** The key of flow control whose window it closes early. */
  readonly closesWindowOf?: string;
  /** The outcomes that it hands in. */
  settles?(scene: Readonly<Scene>): readonly Outcome[];
  run(store: QueueStore, scene: Readonly<Scene>): Promise<unknown>;
  /** Changes the scene after both stores have answered alike. */
  after?(scene: Scene, answer: unknown): void;
}

const second = 1_000;
/** What jobs wait for. */
const events = ["paid", "late", "a b"];
/** The last one is the id of an occurrence. */
const id = fc.constantFrom("a", "b", "c", "d", "ä/é", "7", "1e3", "true", "daily@2026-03-01T12:00:30.000Z");
const key = fc.constantFrom("daily", "hourly");
const rarely = fc.constantFrom(true, false, false, false);
const wait = fc.constantFrom(-5 * second, 0, second, 30 * second, 90 * second);
const record = fc.constantFrom('1:{"n":1}', '1:{"n":2}', "1:[]", '1:{"big":12345678901234567890}');
/** A lease, or an occurrence, by how many were given since: mostly a recent one, which may still hold. */
const pick = fc.oneof({ arbitrary: fc.nat({ max: 5 }), weight: 2 }, fc.nat({ max: 1_000 }));
const picked = <Item>(items: readonly Item[], back: number): Item | undefined =>
  items[items.length - 1 - (back % Math.max(items.length, 1))];
const flowKey = fc.constantFrom("k", "l:1%", "ö");
const limits = fc.record({
  concurrency: fc.constantFrom(0, 0, 1, 2),
  rate: fc.constantFrom(0, 0, 1, 3),
  periodMs: fc.constantFrom(30 * second, 600 * second),
  ordered: fc.constantFrom(false, false, true),
});
const anyPlan = fc.record({
  gaps: fc.array(fc.constantFrom(second, 31 * second, 600 * second, 4_000 * second), { maxLength: 6 }),
  standsAt: fc.nat({ max: 2 }),
  makesEach: rarely,
  latestMs: fc.option(fc.constantFrom(0, 40 * second), { freq: 1 }),
  isDeclared: rarely,
});

type AnyPlan = typeof anyPlan extends fc.Arbitrary<infer Values> ? Values : never;

/** A plan of a schedule that stands at `next`: at one of its times, or at none. */
function planFrom(next: number | undefined, values: AnyPlan, { step }: Readonly<Scene>): SchedulePlan {
  const { gaps, standsAt, makesEach, latestMs, isDeclared } = values;
  const fromFirst = [0];
  for (const gap of gaps) fromFirst.push((fromFirst.at(-1) ?? 0) + gap);
  const first = (next ?? start) - (fromFirst[standsAt] ?? 1);
  const jobRecord = ['1:{"made":', ',"for":', `,"mark":"${step}"}`] as const;
  const times = fromFirst.map((after) => first + after);
  return { times, jobRecord, makesEach, isDeclared, ...(latestMs !== null && { latestMs }) };
}

const flow = fc.option(fc.record({ key: flowKey, limits }), { freq: 2 });

/** A job with one of the ids that are used repeatedly, or one that was leased before. */
const anyJob = fc.record({ id, leasedBefore: fc.option(pick) });

interface AnyJob {
  readonly id: string;
  readonly leasedBefore: number | null;
}

function idOf({ id, leasedBefore }: AnyJob, { leases }: Readonly<Scene>): string {
  return (leasedBefore === null ? undefined : picked(leases, leasedBefore))?.id ?? id;
}

/** A longer record, as those of jobs grow. */
export const extended = (text: string, more: string) => `${text.slice(0, -1)},${more}${text.slice(-1)}`;

/** A record that no other call has stored. */
const marked = (text: string, { step }: Readonly<Scene>, index = 0) => extended(text, `"mark":"${step}.${index}"`);

export function newScene(): Scene {
  return { now: start, step: 0, leases: [], due: [], settled: [], timed: new Set(), claimed: new Map() };
}

/** The record of a job that waits for signals ends with them. A list cannot say so: its record becomes an object. */
const waitingFor = (text: string, waits: string | undefined) => {
  if (waits === undefined) return text;
  return extended(text.endsWith("}") ? text : `1:{"list":${text.slice(2)}}`, `"waits":"${waits}"`);
};

/** The record of a job after one more claim that started nothing: its end tells stores if the job has never begun. */
function handedBack(text: string, claims: number, before: string, held?: { readonly until: number }): string {
  const [children] = /"children":\{[^{}]*\}(?=\}$)/.exec(before) ?? [];
  const hasBegun = nextClaims(returnsOf(withoutChildren(before))) !== claims;
  const heldText = held && `"held":${JSON.stringify({ ...held, dueAt: 0 })}`;
  const ends = [heldText, `"returned":${claims % CLAIM_CYCLE}`, children, hasBegun && '"snoozed":true'];
  return extended(text, ends.filter(Boolean).join());
}

const waitsIn = (text: string) => /"waits":"([^"]+)"/.exec(text)?.[1];

/** The lease of a claimed job, with what its record says about its waits, as drains read it. */
export function leaseOf({ lease, record }: LeasedJob): Lease {
  const waits = waitsIn(record);
  return waits === undefined ? lease : { ...lease, waits };
}

/** How an operation is made from its parameters. */
type Build<Parameters> = (parameters: Parameters) => Omit<Operation, "name">;

function named<Parameters>(name: string, build: Build<Parameters>): (parameters: Parameters) => Operation {
  return (values) => {
    const text = `${name} ${JSON.stringify(values)}`;
    return { ...build(values), name: text, [fc.toStringMethod]: () => text };
  };
}

const operation = <Parameters>(parameters: fc.Arbitrary<Parameters>, build: Build<Parameters>, name: string) =>
  parameters.map(named(name, build));

/** Only a job whose record begins alike is replaced, as those of one name do. */
const dedupeOf = ({ key, replaces }: { readonly key: string; readonly replaces: boolean }, record: string) => ({
  key,
  ttlMs: 600 * second,
  ...(replaces && { replaces: `${record.slice(1, -1)},` }),
});

const enqueue = operation(
  fc.record({
    jobs: fc.array(
      fc.record({
        id,
        isFreshId: fc.boolean(),
        wait,
        record,
        isHeld: fc.boolean(),
        dedupe: fc.option(fc.record({ key: fc.constantFrom("x", "y"), replaces: fc.boolean() })),
        flow,
        keepsLimits: fc.boolean(),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  ({ jobs }) => ({
    // With an id twice in one call, a resend names another job for a duplicate than the lost answer did; both exist.
    isSafeFromFaults: new Set(jobs.map((job) => job.id)).size < jobs.length,
    run: (store, scene) =>
      store.enqueue(
        jobs.map((job, index) => ({
          id: job.isFreshId ? `fresh-${scene.step}-${index}` : job.id,
          isFreshId: job.isFreshId,
          runAt: scene.now + job.wait,
          record: marked(job.record, scene, index),
          ...(job.dedupe && { dedupe: dedupeOf(job.dedupe, job.record) }),
          ...(job.flow && { flow: job.flow, keepsLimits: job.keepsLimits }),
          // At one moment, jobs that are leased as they are made stand before others: so no lease of another kind ends
          // with theirs.
          ...(job.isHeld && { leaseEndsAt: scene.now + 65 * second + 10 * scene.step + index }),
        })),
        scene.now,
      ),
    // It may change limits too.
    after: (scene, answer) => {
      for (const { lease } of answer as { lease: Lease | undefined }[]) if (lease) scene.leases.push(lease);
      scene.now++;
    },
  }),
  "enqueue",
);

const floodOf = named(
  "flood",
  ({ count, wait, key, limits }: { count: number; wait: number; key: string; limits: FlowLimits }) => ({
    run: (store, { now, step }) =>
      store.enqueue(
        Array.from({ length: count }, (_, index) => ({
          id: `flood-${step}-${index}`,
          isFreshId: true,
          runAt: now + wait + (index % 3) * second,
          record: `1:{"flood":"${step}.${index}"}`,
          flow: { key, limits },
        })),
        now,
      ),
    after: (scene) => {
      scene.now++;
    },
  }),
);

/** More jobs of one key than its state holds inline, so that lines grow long. */
const flood = fc.record({ count: fc.integer({ min: 1, max: 40 }), wait, key: flowKey, limits }).map(floodOf);

const flowOrNone = fc.option(fc.record({ key: flowKey, limits }), { freq: 1 });
const member = fc.record({
  wait,
  flow: flowOrNone,
  nested: fc.option(
    fc.record({ count: fc.integer({ min: 1, max: 2 }), waitFor: fc.constantFrom("ended", "completed") }),
  ),
});

/** A parent, and its children, each followed by its own. */
function familyOf(parent: NewMember, waitFor: WaitFor, given: readonly Member[], scene: Readonly<Scene>) {
  const children = given.flatMap(({ wait, flow, nested }, index): readonly NewMember[] => {
    const id = childId(parent.id, index);
    const recordOf = (at: number) => `1:{"mark":"${scene.step}.${index}.${at}"}`;
    const job = { id, runAt: scene.now + wait, record: recordOf(0), ...(flow && { flow }) };
    if (!nested) return [job];
    const { waitFor, count: total } = nested;
    const own = Array.from({ length: total }, (_, place) => ({
      id: childId(id, place),
      runAt: scene.now,
      record: recordOf(place + 1),
    }));
    return [{ ...job, parent: { waitFor, total } }, ...own];
  });
  return [{ ...parent, parent: { waitFor, total: given.length } }, ...children] as const;
}

type Member = typeof member extends fc.Arbitrary<infer Values> ? Values : never;

/** A family that an outcome makes. */
const newFamily = fc.record({
  waitFor: fc.constantFrom("ended" as const, "completed" as const),
  members: fc.array(member, { minLength: 1, maxLength: 3 }),
});

const enqueueFamily = operation(
  fc.record({
    parent: fc.option(fc.constantFrom("p", "p/q")),
    waitFor: fc.constantFrom("ended" as const, "completed" as const),
    members: fc.array(member, { minLength: 1, maxLength: 4 }),
    wait,
    flow: flowOrNone,
  }),
  ({ parent, waitFor, members, wait, flow }) => ({
    run: (store, scene) => {
      const id = parent ?? `fresh-family-${scene.step}`;
      const job = { id, runAt: scene.now + wait, record: marked("1:{}", scene), ...(flow && { flow }) };
      const family: NewFamily = { isFreshId: parent === null, members: familyOf(job, waitFor, members, scene) };
      return store.enqueueFamily(family, scene.now);
    },
    after: (scene) => {
      scene.now++;
    },
  }),
  "enqueueFamily",
);

/** Retries or removes some of the dead jobs. */
const buryOrRevive = operation(
  fc.record({ first: fc.nat({ max: 3 }), count: fc.constantFrom(1, 1, 5), revives: fc.boolean() }),
  ({ first, count, revives }) => ({
    async run(store, scene) {
      const { now } = scene;
      const { items } = await store.list("dead", { cursor: undefined, limit: 20, mostBytes: 1_000_000, now });
      const chosen = items.slice(first, first + count);
      const ids = chosen.map((job) => job.id);
      if (!revives) return store.removeDead(ids, now);
      const retries = chosen.map((job, index) => {
        const text = marked('1:{"n":1}', scene, index);
        return { id: job.id, deadSince: job.at, claims: 7, runAt: now, record: text, flow: job.flow };
      });
      return store.retryDead(retries, now);
    },
  }),
  "buryOrRevive",
);

/** Reads children of a family by their ids: one, or all. In between, Redis counts what stands before records too. */
const findEach = operation(
  fc.record({ parent: fc.constantFrom("p", "p/q"), mostBytes: fc.constantFrom(0, 10_000) }),
  ({ parent, mostBytes }) => ({
    run: (store, { now }) =>
      store.findEach([parent, ...[0, 1, 2, 3].map((index) => childId(parent, index))], mostBytes, now),
  }),
  "findEach",
);

const groups = [undefined, "000000000000", "ffffffffffff"];

function outcomeOf(
  to: Outcome["to"],
  lease: Lease,
  runAt: number,
  text: string,
  timing: Timing | null,
  name: string | null,
  waits: string | undefined,
  claimed: string,
): Outcome {
  const base = { lease, record: text, ...(timing && { timing }), ...(name !== null && { name }) };
  if (to === "completed") return { to, at: runAt, ...base };
  if (to === "dead") return { to, at: runAt, group: groups[text.length % groups.length], ...base };
  if (to === "expired") return { to, lease, record: "", ...(name !== null && { name }) };
  if (to === "released") {
    const held = name === null ? undefined : { name, dueAt: runAt - 20 * second };
    const record = handedBack(text, lease.claims, claimed, held && { until: runAt });
    return { to, runAt, ...base, record, ...(held && { held }) };
  }
  if (to === "snoozed" && waits !== undefined && text.endsWith("}"))
    return { to, runAt, ...base, record: waitingFor(text, waits), waits };
  return { to, runAt, ...base };
}

/** Picks leases for the outcomes of one exchange: a drain settles each job once. */
function leasesOf(picks: readonly { readonly pick: number }[], leases: readonly Lease[]): readonly Lease[] {
  const chosen = picks.flatMap(({ pick }) => picked(leases, pick) ?? []);
  return [...new Map(chosen.map((lease) => [lease.id, lease])).values()];
}

const milliseconds = fc.constantFrom(0, 10, 11, 999.5, 1_800_000, 1_800_001);
const timing = fc.option(fc.record({ waitedMs: milliseconds, ranMs: milliseconds }));

const outcomes = fc.record({
  ended: fc.array(
    fc.record({
      pick,
      to: fc.constantFrom<Outcome["to"]>("completed", "retried", "snoozed", "released", "dead", "expired"),
      wait,
      record,
      events: fc.option(fc.subarray(events, { minLength: 1 })),
      timing,
      name: fc.option(fc.constantFrom("works", "fails", "ä 1")),
      followUps: fc.array(
        fc.record({
          flow,
          keepsLimits: fc.boolean(),
          family: fc.oneof({ arbitrary: fc.constant(null), weight: 7 }, newFamily),
        }),
        {
          maxLength: 2,
        },
      ),
    }),
    { maxLength: 4 },
  ),
  isResend: rarely,
  // Redis expires completed jobs by its own clock: none may expire while the clock of the sequence runs ahead.
  retentionMs: fc.constantFrom(1_000 * 86_400 * second, 0),
  observe: fc.constantFrom(true, true, false),
});

type Settling = typeof outcomes extends fc.Arbitrary<infer Values> ? Values : never;

/** The jobs that end now, after those that the previous exchange has already settled, as after a failed one. */
function settleOf({ ended, isResend, retentionMs, observe }: Settling, scene: Readonly<Scene>): SettleRequest {
  const before = isResend ? scene.settled : [];
  const others = scene.leases.filter(({ id }) => before.every(({ lease }) => lease.id !== id));
  const now = leasesOf(ended, others).map((lease, index) => {
    const { to, wait, record, events, timing, name, followUps: made } = ended[index] as (typeof ended)[number];
    const followUps = made.flatMap(({ flow, keepsLimits, family }, place): readonly FollowUpJob[] => {
      const id = `follows-${scene.step}-${index}-${place}`;
      const job = {
        id,
        runAt: scene.now + wait,
        record: marked(record, scene, index),
        ...(flow && { flow, keepsLimits }),
      };
      if (!family) return [job];
      return familyOf(job, family.waitFor, family.members, scene);
    });
    const waits = events ? waitsOf(events) : undefined;
    const claimed = scene.claimed.get(lease.id) ?? "";
    const outcome = outcomeOf(to, lease, scene.now + wait, marked(record, scene, index), timing, name, waits, claimed);
    return { ...outcome, dueAt: scene.now - wait, followUps };
  });
  return { now: scene.now, settle: [...before, ...now], isResend, retentionMs, observe };
}

function noteSettled(scene: Scene, { settle }: SettleRequest, { settled }: SettleReply): void {
  scene.settled = settle;
  settle.forEach(({ record, timing }, index) => {
    if (timing && settled[index]) scene.timed.add(record);
  });
}

const settle = operation(
  outcomes,
  (values) => ({
    run: (store, scene) => store.settle(settleOf(values, scene)),
    settles: (scene) => settleOf(values, scene).settle,
    after: (scene, answer) => noteSettled(scene, settleOf(values, scene), answer as SettleReply),
  }),
  "settle",
);

const fire = fc.array(
  fc.record({
    pick,
    next: fc.option(wait),
    unless: fc.option(id),
    plan: fc.option(anyPlan),
    reaches: fc.boolean(),
    jobs: fc.array(fc.record({ id, record, flow }), { maxLength: 2 }),
  }),
  { maxLength: 2 },
);

interface Exchanging {
  readonly outcomes: Settling;
  readonly fire: typeof fire extends fc.Arbitrary<infer Values> ? Values : never;
  readonly limit: number;
  readonly firesDeclared: boolean;
  readonly runs: RunLimits | undefined;
}

/** Whether a slot of a key takes several jobs. */
const runs = fc.constantFrom<RunLimits | undefined>(
  undefined,
  { ms: 1_000, startable: 100 },
  { ms: 1_000, jobMs: 300, startable: 1 },
  { ms: 500, jobMs: 0.01, startable: 0 },
);

const exchangeOf = named("exchange", ({ outcomes, fire, limit, firesDeclared, runs }: Exchanging) => ({
  settles: (scene) => settleOf(outcomes, scene).settle,
  run: (store, scene) =>
    store.exchange({
      ...settleOf(outcomes, scene),
      fire:
        scene.due.length === 0
          ? []
          : fire.map((each) => ({
              ...(picked(scene.due, each.pick) as Scene["due"][number]),
              next: each.next === null ? undefined : scene.now + each.next,
              record: "1:fired",
              ...(each.reaches && each.next !== null && each.next > 0 && { reachMs: each.next }),
              ...(each.plan && {
                plan: planFrom(each.next === null ? undefined : scene.now + each.next, each.plan, scene),
              }),
              jobs: each.jobs.map(({ flow, ...job }) => ({ ...job, runAt: scene.now, ...(flow && { flow }) })),
              ...(each.unless !== null && { unless: { id: each.unless, skippedRecord: "1:skipped" } }),
            })),
      // After a failure a drain claims nothing more.
      claim:
        limit > 0 && !outcomes.isResend
          ? { limit, leaseMs: 60 * second + scene.step, countBacklog: limit % 2 === 1, firesDeclared, runs }
          : undefined,
    }),
  after: (scene, answer) => {
    const reply = answer as ExchangeReply;
    noteSettled(scene, settleOf(outcomes, scene), reply);
    scene.leases.push(...reply.jobs.map(leaseOf));
    for (const { lease, record } of reply.jobs) scene.claimed.set(lease.id, record);
    scene.due.push(...reply.schedules);
  },
}));

const exchange = fc
  .record({
    outcomes,
    fire,
    limit: fc.oneof(fc.nat({ max: 4 }), fc.constantFrom(10, 30, 61)),
    firesDeclared: fc.boolean(),
    runs,
  })
  .map(exchangeOf);

const extend = operation(
  fc.record({ pick, wait, record: fc.option(record) }),
  (values) => ({
    run: async (store, scene) => {
      const { now, leases } = scene;
      const lease = picked(leases, values.pick);
      if (!lease) return undefined;
      const text = values.record === null ? undefined : waitingFor(marked(values.record, scene), lease.waits);
      const extended = await store.extend([{ lease, endsAt: now + Math.abs(values.wait), record: text }]);
      return extended[0];
    },
    after: (scene, answer) => {
      if (answer) scene.leases.push(answer as Lease);
    },
  }),
  "extend",
);

/** One renewal or two whose answers are lost, and which the store may have made. The outcome counts all the same. */
const renewInVain = operation(
  fc.record({
    pick: fc.option(pick, { freq: 2 }),
    renewals: fc.array(fc.record({ wait, record: fc.option(record), isMade: fc.boolean() }), {
      minLength: 1,
      maxLength: 2,
    }),
    to: fc.constantFrom<Outcome["to"]>("completed", "retried", "snoozed", "released", "dead", "expired"),
    retentionMs: fc.constantFrom(1_000 * 86_400 * second, 0),
  }),
  ({ pick, renewals, to, retentionMs }) => ({
    async run(store, scene) {
      const { now, step, leases } = scene;
      const held = {
        id: `renewed-${step}`,
        isFreshId: true,
        runAt: now,
        record: "1:{}",
        leaseEndsAt: now + 60 * second,
      };
      const lease = pick === null ? (await store.enqueue([held], now))[0]?.lease : picked(leases, pick);
      if (!lease) return undefined;
      const { id, endsAt, claims } = lease;
      const found = await store.find(id, now);
      const isHeld = found?.state === "running" && found.at === endsAt && found.claims === claims;
      let isMade = false;
      const lossy = aroundCalls(store, async ({ method }, run) => {
        if (method !== "extend") return run();
        if (isMade) await run();
        throw new TidegateError("store_unavailable", "The answer is lost.");
      });
      const renewed = new JobLease(lease);
      for (const [index, renewal] of renewals.entries()) {
        isMade = renewal.isMade;
        const text =
          renewal.record === null ? undefined : waitingFor(marked(renewal.record, scene, index), lease.waits);
        const request = { lease: renewed, endsAt: now + Math.abs(renewal.wait), record: text, onLost: () => {} };
        await rejects(renewAll(lossy, [request])[0] ?? Promise.resolve(), { code: "store_unavailable" });
      }
      const text = marked("1:[]", scene, renewals.length);
      const outcome = outcomeOf(to, renewed.current, now + second, text, null, null, undefined, "");
      const { settled } = await store.settle({ now, settle: [outcome], retentionMs });
      if (isHeld) deepStrictEqual(settled, [true], "whether the outcome counts");
      // It has no timing. An outcome of a job that is gone may count as one that was resent, and hands nothing back.
      const isLive = found?.state === "running" || found?.state === "ready";
      return { settled, handedBack: isLive && settled[0] ? [lease] : [] };
    },
  }),
  "renew in vain",
);

/** A signal, as it was sent before or for the first time. */
const signal = operation(
  fc.record({ event: fc.constantFrom(...events), number: fc.option(fc.nat({ max: 9 })), isKept: fc.boolean() }),
  ({ event, number, isKept }) => ({
    run: (store, { now, step }) => {
      const id = number === null ? ` signal-${step}` : `${event}-${number}`;
      const text = JSON.stringify({ id, event, data: step });
      // Redis also removes signals by its own clock, which has to be slower than the sequence's.
      const keepMs = (step % 2 === 0 ? 60 : 1_000 * 86_400) * second;
      const sent = { id, event: writtenEvent(event), text, keepMs: isKept ? keepMs : 0, knownMs: keepMs };
      return store.signal(sent, now);
    },
  }),
  "signal",
);

const tickOf = named("tick", (ms: number) => ({
  run: async () => undefined,
  after: (scene) => {
    scene.now += ms;
  },
}));

const tick = fc.constantFrom(1, 999, 30 * second, 61 * second, 3_601 * second).map(tickOf);

const change = operation(
  fc.record({ job: anyJob, wait, record: fc.option(record), isCounted: fc.boolean() }),
  (values) => ({
    run: async (store, scene) => {
      const id = idOf(values.job, scene);
      const found = await store.find(id, scene.now);
      if (found?.state !== "scheduled" && found?.state !== "ready") return undefined;
      const waits = openWaits(found.record);
      const changed = values.record !== null && marked(values.record, scene);
      const record = changed && (waits === undefined || changed.endsWith("}")) ? waitingFor(changed, waits) : undefined;
      const runAt = scene.now + values.wait;
      const claims = nextClaims(found.claims);
      const counted = waits === undefined && values.isCounted && record !== undefined;
      const written = counted ? { record: handedBack(record, claims, found.record), claims } : { record };
      return store.change({ id, from: found, runAt, ...written, flow: found.flow });
    },
  }),
  "change",
);

/** Rewrites a job in any state. A text that is not as it was read changes nothing. */
const rewrite = operation(
  fc.record({ job: anyJob, record, isAsRead: fc.boolean() }),
  (values) => ({
    run: async (store, scene) => {
      const id = idOf(values.job, scene);
      const found = await store.find(id, scene.now);
      // The record of a job that was leased as it was stored is elsewhere, or is not, until that lease ends.
      if (!found || found.state === "running" || found.state === "ready") return undefined;
      const waits = openWaits(found.record);
      const changed = waitingFor(marked(values.record, scene), waits);
      const from = values.isAsRead ? found.record : `${found.record} `;
      return store.rewrite(found.state, [{ id, from, record: changed }]);
    },
  }),
  "rewrite",
);

const retryDead = operation(
  fc.record({ ids: fc.array(id, { maxLength: 3 }), wait, record }),
  (values) => ({
    run: async (store, scene) => {
      const found = await Promise.all(values.ids.map((each) => store.find(each, scene.now)));
      const dead = found.flatMap((job) => (job?.state === "dead" ? [job] : []));
      const runAt = scene.now + values.wait;
      return store.retryDead(
        dead.map(({ id: deadId, at, flow }, index) => ({
          id: deadId,
          deadSince: at,
          claims: 7,
          runAt,
          record: marked(values.record, scene, index),
          flow,
        })),
        scene.now,
      );
    },
  }),
  "retryDead",
);

/** Clears in pieces the jobs that wait behind running ones: these end after the first piece. */
const clearInPieces = operation(
  fc.record({
    state: fc.constantFrom<Parameters<QueueStore["clear"]>[0]>("pending", "scheduled", "ready"),
    most: fc.integer({ min: 1, max: 3 }),
  }),
  ({ state, most }) => ({
    // The lost answer is one of several.
    isSafeFromFaults: true,
    async run(store, { now, step }) {
      const jobs = ["runs", "runs-too", "waits", "waits-too"].map((name) => ({
        id: `${name}-${step}`,
        isFreshId: true,
        runAt: now + 90 * second,
        record: "1:{}",
        ...(name.startsWith("runs") && { leaseEndsAt: now + 60 * second }),
      }));
      const settle = (await store.enqueue(jobs, now)).flatMap(({ lease }) =>
        lease ? [{ to: "completed" as const, lease, record: "1:{}" }] : [],
      );
      let { cleared, next } = await store.clear(state, now, undefined, most);
      await store.settle({ now, settle, retentionMs: 0 });
      while (next !== undefined) {
        const piece: Awaited<ReturnType<QueueStore["clear"]>> = await store.clear(state, now, next, most);
        cleared += piece.cleared;
        next = piece.next;
      }
      return cleared;
    },
  }),
  "clear in pieces",
);

const changeFlowOf = named(
  "changeFlow",
  ({
    key,
    to,
    limits,
    only,
  }: {
    key: string;
    to: FlowChange["to"];
    limits: FlowLimits;
    only?: PinnedLimit | undefined;
  }) => ({
    ...(to === "rateReset" && { closesWindowOf: key }),
    run: (store, { now }) =>
      store.changeFlow(key, to === "set" ? { to, limits, only } : to === "unset" ? { to, only } : { to }, now),
    // A window that opens with it is told from what began before by the time.
    after: (scene) => {
      scene.now++;
    },
  }),
);

const changeFlow = fc
  .record({
    key: flowKey,
    to: fc.constantFrom<FlowChange["to"]>("set", "unset", "rateReset", "paused", "resumed", "resumed"),
    limits,
    only: fc.constantFrom(undefined, "concurrency" as const, "rate" as const),
  })
  .map(changeFlowOf);

const setPausedOf = named("setPaused", (paused: boolean) => ({ run: (store) => store.setPaused(paused) }));

const changeDocuments = operation(
  fc.record({
    edits: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom("a", "ab", "b:c", "ö"),
        isRemoved: rarely,
        from: fc.constantFrom("read", "read", "none", "any", "late"),
        lasts: fc.option(fc.constantFrom(second, 90 * second)),
      }),
      { minLength: 1, maxLength: 3, selector: ({ name }) => name },
    ),
  }),
  ({ edits }) => ({
    run: async (store, { now, step }) => {
      const changes = edits.map(async ({ name, isRemoved, from, lasts }, index) => {
        const read = await store.findDocument("notes", name, now);
        const marks = { read: read?.mark ?? null, none: null, any: undefined, late: "0.0" };
        return {
          ...{ kind: "notes", name, text: isRemoved ? undefined : `1:${step}`, mark: `${step}.${index}` },
          from: marks[from as keyof typeof marks],
          expiresAt: lasts === null ? undefined : now + lasts,
        };
      });
      return store.changeDocuments(await Promise.all(changes), now);
    },
  }),
  "changeDocuments",
);

const putSchedule = operation(
  fc.record({ key, wait: fc.option(wait, { freq: 9 }), late: rarely, plan: fc.option(anyPlan, { freq: 9 }) }),
  (values) => ({
    run: async (store, scene) => {
      const { now } = scene;
      const [stored] = await store.listSchedules(values.key);
      const from = values.late ? { next: now, revision: 0 } : stored;
      const next = values.wait === null ? undefined : now + values.wait;
      const plan = values.plan === null ? undefined : planFrom(next, values.plan, scene);
      return store.changeSchedules({ put: [{ key: values.key, record: "1:{}", next, plan, from }] });
    },
  }),
  "changeSchedules",
);

const removeSchedule = operation(
  key,
  (value) => ({ run: (store) => store.changeSchedules({ remove: [value] }) }),
  "changeSchedules",
);

interface Some {
  readonly jobs: readonly AnyJob[];
}

/** Different ids: a call names no job twice. */
const some: fc.Arbitrary<Some> = fc.record({ jobs: fc.array(anyJob, { maxLength: 3 }) });

function idsOf({ jobs }: Some, scene: Readonly<Scene>): readonly string[] {
  return [...new Set(jobs.map((each) => idOf(each, scene)))];
}

const cancelOf = named("cancel", (values: Some) => ({
  run: async (store, scene) => {
    const ids = idsOf(values, scene);
    const before = await Promise.all(ids.map((id) => store.find(id, scene.now)));
    return [before, await store.cancel(ids, scene.now, scene.step % 3 === 0)];
  },
}));

const reschedule = operation(
  fc.record({ some, wait }),
  ({ some, wait }) => ({
    run: (store, scene) =>
      store.reschedule(
        idsOf(some, scene).map((id) => ({ id, runAt: scene.now + wait })),
        scene.now,
      ),
  }),
  "reschedule",
);

const simple: readonly fc.Arbitrary<Operation>[] = [
  some.map(cancelOf),
  reschedule,
  operation(
    fc.array(id, { maxLength: 3 }),
    (ids) => ({ run: (store, { now }) => store.removeDead([...new Set(ids)], now) }),
    "removeDead",
  ),
  operation(
    // None, or all: the size of a record of a job with a key depends on the store.
    fc.record({ ids: fc.array(id, { maxLength: 4 }), mostBytes: fc.constantFrom(0, 10_000) }),
    ({ ids, mostBytes }) => ({ run: (store, { now }) => store.findEach(ids, mostBytes, now, true) }),
    "findEach",
  ),
  operation(
    fc.constantFrom<Parameters<QueueStore["clear"]>[0]>("pending", "scheduled", "ready", "completed", "dead"),
    (state) => ({ run: async (store, { now }) => (await store.clear(state, now)).cleared }),
    "clear",
  ),
  rarely.map(setPausedOf),
  operation(
    fc.record({ name: fc.constantFrom("works", "fails", "ä 1"), isPaused: rarely }),
    ({ name, isPaused }) => ({
      run: (store, { now }) =>
        store.setJobsPaused(name, isPaused ? { name, reason: null, by: null, since: now } : undefined),
    }),
    "setJobsPaused",
  ),
  operation(
    fc.constantFrom("one", "other"),
    (text) => ({
      async run(store) {
        await store.noteChange(text);
        return (await store.changes(undefined, 5)).items;
      },
    }),
    "noteChange",
  ),
  removeSchedule,
  operation(
    fc.record({
      from: fc.option(fc.constantFrom("m1", "m2")),
      manifest: fc.constantFrom("m1", "m2"),
      wait,
      late: rarely,
      gone: fc.array(key, { maxLength: 1 }),
      plan: fc.option(anyPlan),
    }),
    (values) => ({
      run: async (store, scene) => {
        const { now } = scene;
        const next = now + values.wait;
        const plan = values.plan === null ? undefined : planFrom(next, values.plan, scene);
        const [stored] = await store.listSchedules("daily");
        const from = values.late ? { next: now, revision: 0 } : stored;
        return store.changeSchedules({
          manifest: { from: values.from ?? undefined, to: values.manifest },
          put: [{ key: "daily", record: "1:{}", next, plan, from }],
          remove: values.gone.filter((each) => each !== "daily"),
        });
      },
    }),
    "changeSchedules",
  ),
];

/** Limits that few jobs reach, and windows that a sequence outlives. */
const tightLimits = fc.oneof(
  fc.record({
    concurrency: fc.constantFrom(0, 1, 2),
    rate: fc.constantFrom(1, 2, 3),
    periodMs: fc.constantFrom(2 * second, 5 * second, 70 * second),
    ordered: fc.constant(false),
  }),
  fc.record({
    concurrency: fc.constantFrom(1, 2),
    rate: fc.constant(0),
    periodMs: fc.constant(0),
    ordered: fc.constant(false),
  }),
  fc.record({
    concurrency: fc.constant(0),
    rate: fc.constantFrom(0, 2),
    periodMs: fc.constant(5 * second),
    ordered: fc.constant(true),
  }),
);

/** Inside a window, and to the end of one. */
const shortTick = fc.constantFrom(0, 1, 400, 999, 1_999, 2 * second, 5 * second);
/** Beyond all leases, and inside the longest window. */
const LEASES_RUN_OUT = 66 * second;

/** More jobs of a key than its limits let start, and nothing else that holds them back. */
const crowdOf = ({ key, limits, count }: { key: string; limits: FlowLimits; count: number }): readonly Operation[] => [
  setPausedOf(false),
  ...(["unset", "resumed"] as const).map((to) => changeFlowOf({ key, to, limits })),
  floodOf({ key, limits, count, wait: -5 * second }),
];

const claimOf = (outcomes: Settling, limit: number, runs: RunLimits | undefined) =>
  exchangeOf({ outcomes: { ...outcomes, isResend: false }, fire: [], limit, firesDeclared: true, runs });

const crowdWith = (limits: fc.Arbitrary<FlowLimits>) => ({
  key: flowKey,
  limits,
  count: fc.integer({ min: 3, max: 8 }),
});
const size = fc.constantFrom(1, 3, 30, 61);

/** Claim follows claim within the windows of a key, while some of its jobs end. */
const rushWith = (limits: fc.Arbitrary<FlowLimits>) =>
  fc
    .record({
      ...crowdWith(limits),
      rounds: fc.array(fc.record({ ms: shortTick, outcomes, size, runs }), { minLength: 2, maxLength: 5 }),
    })
    .map(({ rounds, ...jobs }) => [
      ...crowdOf(jobs),
      ...rounds.flatMap(({ ms, outcomes, size, runs }) => [claimOf(outcomes, size, runs), tickOf(ms)]),
    ]);

/** The leases of a key run out, while its limits change and some of its jobs are cancelled. */
const lapse = fc
  .record({
    ...crowdWith(tightLimits),
    outcomes,
    runs,
    change: fc.option(fc.record({ to: fc.constantFrom<FlowChange["to"]>("set", "paused"), limits: tightLimits })),
    cancelled: fc.array(some, { maxLength: 2 }),
    hasMore: fc.boolean(),
  })
  .map(({ outcomes, runs, change, cancelled, hasMore, ...jobs }) => [
    ...crowdOf(jobs),
    claimOf({ ...outcomes, ended: [] }, 61, runs),
    ...(change ? [changeFlowOf({ key: jobs.key, ...change })] : []),
    tickOf(LEASES_RUN_OUT),
    ...(hasMore ? [floodOf({ ...jobs, wait: -5 * second })] : []),
    ...cancelled.map(cancelOf),
    claimOf({ ...outcomes, ended: [] }, 61, runs),
    changeFlowOf({ key: jobs.key, to: "resumed", limits: jobs.limits }),
    claimOf(outcomes, 61, runs),
  ]);

const one: fc.Arbitrary<Operation> = fc.oneof(
  { arbitrary: enqueue, weight: 4 },
  flood,
  { arbitrary: exchange, weight: 6 },
  { arbitrary: settle, weight: 2 },
  { arbitrary: tick, weight: 3 },
  extend,
  renewInVain,
  change,
  rewrite,
  retryDead,
  clearInPieces,
  changeFlow,
  changeDocuments,
  { arbitrary: putSchedule, weight: 4 },
  ...simple,
);

/** Any operation on one queue, or several that belong together. */
export const anyOperation: fc.Arbitrary<readonly Operation[]> = fc.oneof(
  { arbitrary: one.map((each) => [each]), weight: 10 },
  rushWith(tightLimits),
  lapse,
);

/** Operations that fire schedules more often than any other, and run what they make. */
export const occurrenceOperation: fc.Arbitrary<readonly Operation[]> = fc
  .oneof(
    { arbitrary: putSchedule, weight: 4 },
    { arbitrary: exchange, weight: 5 },
    { arbitrary: tick, weight: 3 },
    settle,
    enqueue,
    extend,
    renewInVain,
    removeSchedule,
  )
  .map((each) => [each]);

/** Operations on families more often than any other. */
export const familyOperation: fc.Arbitrary<readonly Operation[]> = fc
  .oneof(
    { arbitrary: enqueueFamily, weight: 4 },
    { arbitrary: exchange, weight: 8 },
    { arbitrary: settle, weight: 2 },
    { arbitrary: tick, weight: 3 },
    { arbitrary: buryOrRevive, weight: 2 },
    { arbitrary: one, weight: 2 },
    some.map(cancelOf),
    findEach,
    change,
    reschedule,
  )
  .map((each) => [each]);

/** Waits for signals more often than any other operation. */
export const signalOperation: fc.Arbitrary<readonly Operation[]> = fc
  .oneof(
    { arbitrary: exchange, weight: 8 },
    { arbitrary: settle, weight: 2 },
    { arbitrary: signal, weight: 6 },
    { arbitrary: tick, weight: 3 },
    { arbitrary: extend, weight: 2 },
    { arbitrary: one, weight: 3 },
    some.map(cancelOf),
    change,
    reschedule,
  )
  .map((each) => [each]);

/** Makes an operation by a clock that differs from that of the others. */
const byAnotherClock = (ms: number, { run, after, settles, ...operation }: Operation): Operation => ({
  ...operation,
  name: `${operation.name} by a clock ${ms} ms ahead`,
  run: (store, scene) => run(store, { ...scene, now: scene.now + ms }),
  ...(settles && { settles: (scene: Readonly<Scene>) => settles({ ...scene, now: scene.now + ms }) }),
  after: (scene, answer) => {
    scene.now += ms;
    after?.(scene, answer);
    scene.now -= ms;
  },
});

/**
 * Redis forgets an idle key by its own clock: its window must outlast the test, although the time of its callers goes
 * back.
 */
const longLimits = tightLimits.map((limits) => ({ ...limits, periodMs: limits.periodMs * 60 }));

/** What drains and enqueues do, and changes of keys. */
const byAnyClock = /^(enqueue|flood|exchange|settle|changeFlow) /;

/** Operations among callers whose clocks differ. */
export const clocksApartOperation: fc.Arbitrary<readonly Operation[]> = fc
  .tuple(
    fc.oneof({ arbitrary: one.map((each) => [each]), weight: 6 }, { arbitrary: rushWith(longLimits), weight: 2 }),
    fc.array(fc.constantFrom(0, 0, 0, second, -second, 30 * second, 86_400 * second), { minLength: 1, maxLength: 5 }),
  )
  .map(([operations, clocks]) =>
    operations.map((each, index) => {
      const ms = clocks[index % clocks.length] ?? 0;
      return ms === 0 || !byAnyClock.test(each.name) ? each : byAnotherClock(ms, each);
    }),
  );
