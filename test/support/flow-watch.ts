import type { Lease, LeasedJob, QueueStore, StoredJob } from "../../src/core/store/store.ts";
import type { StoredQueue } from "./invariants.ts";

interface Window {
  readonly openedAt: number;
  periodMs: number;
  started: number;
}

/** Records which jobs flow control keys start, independently of the store that decides it. */
export class FlowWatch {
  readonly #windows = new Map<string, Window>();
  /** The windows in which leases count, by their ids and ends of claims. */
  readonly #countedIn = new Map<string, Window>();
  /** The jobs that have waited while their keys were not ordered: their order is lost. */
  readonly #withoutOrder = new Set<string>();
  /** The keys that were not ordered after the operation before. */
  #unordered: ReadonlySet<string> = new Set();
  readonly #judgesRates: boolean;

  /** @param judgesRates false where the clocks of the callers differ: windows are shifted by as much. */
  constructor(judgesRates = true) {
    this.#judgesRates = judgesRates;
  }

  /** What an exchange must not have started: too many jobs at once, too many in a window, or one before its turn. */
  async breaches(store: QueueStore, started: readonly LeasedJob[], now: number): Promise<readonly string[]> {
    const breaches: string[] = [];
    await this.#noteLostOrders(store, now);
    const keys = new Set([...started.flatMap(({ lease }) => lease.flow?.key ?? []), ...this.#windows.keys()]);
    for (const key of keys) {
      const state = await store.findFlow(key, now);
      if (!state) this.#windows.delete(key);
      const window = this.#windows.get(key);
      if (window && state && state.limits.rate > 0 && now < window.openedAt + window.periodMs)
        window.periodMs = state.limits.periodMs;
      const jobs = started.filter(({ lease }) => lease.flow?.key === key);
      if (!state || jobs.length === 0) continue;
      const { concurrency, rate, periodMs, ordered } = state.limits;
      const places = ordered ? 1 : concurrency || Number.POSITIVE_INFINITY;
      if (state.paused) breaches.push(`${key} is paused, and has started ${jobs.length}`);
      if (state.running > places) breaches.push(`${key} has ${state.running} holders, and ${places} places`);
      const count = this.#startedInWindow(key, jobs, rate > 0 ? periodMs : 0, now);
      if (rate > 0 && count > rate && this.#judgesRates)
        breaches.push(`${key} has started more than ${rate} in a window`);
      const inOrder = jobs.filter(({ lease }) => !this.#withoutOrder.has(lease.id));
      if (ordered) breaches.push(...(await outOfTurn(store, key, inOrder, now, this.#withoutOrder)));
    }
    return breaches;
  }

  closeWindow(key: string): void {
    this.#windows.delete(key);
  }

  /**
   * Jobs have been leased at enqueue. The call may have changed limits since: what it has counted is taken from the
   * store.
   */
  async leasedAtEnqueue(store: QueueStore, leases: readonly Lease[], now: number): Promise<void> {
    for (const key of new Set(leases.flatMap(({ flow }) => flow?.key ?? []))) {
      const state = await store.findFlow(key, now);
      if (!state || now >= state.windowEndsAt) continue;
      const { windowEndsAt, startedInWindow, limits } = state;
      const known = this.#windows.get(key);
      const open = known && now < known.openedAt + known.periodMs ? known.openedAt : now;
      // The call may have removed the rate after a start: then the store no longer says how long the window is.
      const openedAt = limits.rate > 0 ? windowEndsAt - limits.periodMs : open;
      const window = { openedAt, periodMs: windowEndsAt - openedAt, started: startedInWindow };
      for (const [lease, counted] of this.#countedIn) if (counted === known) this.#countedIn.set(lease, window);
      for (const lease of leases) if (lease.flow?.key === key) this.#countedIn.set(nameOf(lease), window);
      this.#windows.set(key, window);
    }
  }

  /** A lease has ended without an attempt. */
  handedBack(lease: Lease): void {
    const window = this.#countedIn.get(nameOf(lease));
    this.#countedIn.delete(nameOf(lease));
    if (!window) return;
    window.started--;
    const key = lease.flow?.key ?? "";
    if (window.started === 0 && this.#windows.get(key) === window) this.#windows.delete(key);
  }

  #startedInWindow(key: string, jobs: readonly LeasedJob[], periodMs: number, now: number): number {
    const window = this.#windows.get(key);
    const isOpen = window !== undefined && now < window.openedAt + window.periodMs;
    // Without a rate, what starts counts only in a window that was open before.
    const open = isOpen ? window : { openedAt: now, periodMs, started: 0 };
    open.started += jobs.length;
    for (const { lease } of jobs) this.#countedIn.set(nameOf(lease), open);
    this.#windows.set(key, open);
    return open.started;
  }

  async #noteLostOrders(store: QueueStore, now: number): Promise<void> {
    const { items } = await store.listFlows({ cursor: undefined, limit: 1_000, now });
    const unordered = new Set(items.filter(({ limits }) => !limits.ordered).map(({ key }) => key));
    // An exchange puts jobs back in line before one that it makes may order their key.
    const keys = new Set([...unordered, ...this.#unordered]);
    this.#unordered = unordered;
    if (keys.size === 0) return;
    for (const job of await waitingJobs(store, now)) if (keys.has(job.flow?.key ?? "")) this.#withoutOrder.add(job.id);
  }
}

/** A lease by its claim: extending it changes its end. */
const nameOf = ({ id, claims, claimedAt }: Lease) => `${id} ${claims} ${claimedAt}`;

async function waitingJobs(store: QueueStore, now: number): Promise<readonly StoredJob[]> {
  const page = { cursor: undefined, limit: 1_000, mostBytes: 10_000_000, now };
  const pages = [await store.list("ready", page), await store.list("scheduled", page)];
  return pages.flatMap(({ items }) => items);
}

/** Jobs that wait although they were enqueued, in order, before one that has started. */
async function outOfTurn(
  store: QueueStore,
  key: string,
  started: readonly LeasedJob[],
  now: number,
  withoutOrder: ReadonlySet<string>,
) {
  const waiting = (await waitingJobs(store, now)).filter(({ id, flow }) => flow?.key === key && !withoutOrder.has(id));
  const orders = waiting.flatMap(({ flow }) => (flow && flow.order > 0 ? flow.order : []));
  return started.flatMap(({ lease }) => {
    const order = lease.flow?.order ?? 0;
    return order > 0 && orders.some((other) => other < order)
      ? `${lease.id} of ${key} has started before its turn`
      : [];
  });
}

const UPPER = 2 ** 52;
const IN_LINE = 2 ** 53;
const FOR_CHILDREN = UPPER - 1_024;
const TURN_UP = 2 ** 54;
const NUMBERS = 12;

/** What is wrong with the stored flow control keys, by docs/internals/storage.md; empty if all is well. */
export function laneBreaches({ due, jobs, flow, lanes }: StoredQueue): string[] {
  const holders = new Map<string, number>();
  const lines = new Map<string, string[]>();
  const breaches: string[] = [];
  for (const [id, record] of jobs) {
    const key = /^2:\d+:([^:]+):/.exec(record)?.[1];
    const score = due.get(id) ?? 0;
    if (key === undefined && score >= IN_LINE) breaches.push(`${id} stands in a line and has no key`);
    if (key === undefined) continue;
    if (score >= IN_LINE) lines.set(key, [...(lines.get(key) ?? []), id]);
    else if (score % 2 === 1) holders.set(key, (holders.get(key) ?? 0) + 1);
    else if (score !== FOR_CHILDREN) breaches.push(`${id} has a key, and stands neither in a line nor under a lease`);
  }
  for (const key of new Set([...holders.keys(), ...lines.keys()]))
    if (!flow.has(key)) breaches.push(`${key} has jobs, and nothing is known of it`);
  for (const [key, text] of flow) {
    const values = text.split(":", NUMBERS);
    // The fifth one is SLOTS/PACE/END=WAITING,...
    const [, , , flags = 0, running = 0, , , , , behind = 0, count = 0] = values.map(Number.parseFloat);
    const withoutSlot = [...(values[4] ?? "").matchAll(/=(\d+)/g)].reduce((sum, [, many]) => sum + Number(many), 0);
    const inline = entriesOf(text);
    const rest = [...lanes.keys()]
      .filter((member) => member.startsWith(`${key}:`))
      .map((m) => m.slice(key.length + 33));
    const waiting = [...(lines.get(key) ?? [])].sort();
    if (running + withoutSlot !== (holders.get(key) ?? 0))
      breaches.push(
        `${key} counts ${running} slots and ${withoutSlot} without a slot for ${holders.get(key) ?? 0} leases`,
      );
    if (count !== inline.length || behind !== rest.length)
      breaches.push(`${key} counts ${count} and ${behind} in line, where ${inline.length} and ${rest.length} are`);
    if (JSON.stringify([...inline, ...rest].sort()) !== JSON.stringify(waiting))
      breaches.push(`${key} has ${[...inline, ...rest]} in line, and ${waiting} wait`);
    if (count === 0 && behind > 0) breaches.push(`${key} has nobody at the head of its line`);
    const isIdle = count + behind + running + withoutSlot === 0 && flags < 2;
    if (isIdle === due.has(` lane:${key}`))
      breaches.push(`${key} is ${isIdle ? "" : "not "}idle, and its mark says not`);
  }
  for (const [member, score] of due) {
    if (!member.startsWith(" lane:")) continue;
    const key = member.slice(" lane:".length);
    if (!flow.has(key)) breaches.push(`${member} is of no key`);
    if (due.get(` turn:${key}`) !== TURN_UP + score) breaches.push(`${member} has no twin`);
    if (score > UPPER) breaches.push(`${member} stands above all marks`);
  }
  return breaches;
}

function entriesOf(text: string): string[] {
  const ids: string[] = [];
  let rest = Buffer.from(text.split(":").slice(NUMBERS).join(":"));
  while (rest.length > 0) {
    const colon = rest.indexOf(":", 32);
    const end = colon + 1 + Number(rest.subarray(32, colon));
    ids.push(rest.subarray(colon + 1, end).toString());
    rest = rest.subarray(end);
  }
  return ids;
}
