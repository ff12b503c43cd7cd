import type { LeasedJob, QueueStore, StoredJob } from "../../src/core/store/store.ts";
import type { StoredQueue } from "./invariants.ts";

interface Window {
  endsAt: number;
  started: number;
}

/** Records which jobs flow control keys start, independently of the store that decides it. */
export class FlowWatch {
  readonly #windows = new Map<string, Window>();

  /** What an exchange must not have started: too many jobs at once, too many in a window, or one before its turn. */
  async breaches(store: QueueStore, started: readonly LeasedJob[], now: number): Promise<readonly string[]> {
    const breaches: string[] = [];
    const keys = new Set([...started.flatMap(({ lease }) => lease.flow?.key ?? []), ...this.#windows.keys()]);
    for (const key of keys) {
      const state = await store.findFlow(key, now);
      if (!state) this.#windows.delete(key);
      const jobs = started.filter(({ lease }) => lease.flow?.key === key);
      if (!state || jobs.length === 0) continue;
      const { concurrency, rate, periodMs, ordered } = state.limits;
      const places = ordered ? 1 : concurrency || Number.POSITIVE_INFINITY;
      if (state.paused) breaches.push(`${key} is paused, and has started ${jobs.length}`);
      if (state.running > places) breaches.push(`${key} has ${state.running} holders, and ${places} places`);
      if (rate > 0 && this.#startedInWindow(key, jobs.length, periodMs, now) > rate)
        breaches.push(`${key} has started more than ${rate} in a window`);
      if (ordered) breaches.push(...(await outOfTurn(store, key, jobs, now)));
    }
    return breaches;
  }

  closeWindow(key: string): void {
    this.#windows.delete(key);
  }

  #startedInWindow(key: string, count: number, periodMs: number, now: number): number {
    const window = this.#windows.get(key);
    const open = window && now < window.endsAt ? window : { endsAt: now + periodMs, started: 0 };
    open.started += count;
    this.#windows.set(key, open);
    return open.started;
  }
}

/** Jobs that wait although they were enqueued, in order, before one that has started. */
async function outOfTurn(store: QueueStore, key: string, started: readonly LeasedJob[], now: number) {
  const waiting: StoredJob[] = [];
  for (const state of ["ready", "scheduled"] as const) {
    const page = { cursor: undefined, limit: 1_000, mostBytes: 10_000_000, now };
    waiting.push(...(await store.list(state, page)).items.filter(({ flow }) => flow?.key === key));
  }
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
const TURN_UP = 2 ** 54;
const NUMBERS = 12;

/** What is wrong with the stored flow control keys, by docs/storage.md; empty if all is well. */
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
    else breaches.push(`${id} has a key, and stands neither in a line nor under a lease`);
  }
  for (const key of new Set([...holders.keys(), ...lines.keys()]))
    if (!flow.has(key)) breaches.push(`${key} has jobs, and nothing is known of it`);
  for (const [key, text] of flow) {
    const numbers = text.split(":", NUMBERS).map(Number);
    const [, , , flags = 0, running = 0, , , , , behind = 0, count = 0] = numbers;
    const inline = entriesOf(text);
    const rest = [...lanes.keys()]
      .filter((member) => member.startsWith(`${key}:`))
      .map((m) => m.slice(key.length + 33));
    const waiting = [...(lines.get(key) ?? [])].sort();
    if (running !== (holders.get(key) ?? 0))
      breaches.push(`${key} counts ${running} holders of ${holders.get(key) ?? 0}`);
    if (count !== inline.length || behind !== rest.length)
      breaches.push(`${key} counts ${count} and ${behind} in line, where ${inline.length} and ${rest.length} are`);
    if (JSON.stringify([...inline, ...rest].sort()) !== JSON.stringify(waiting))
      breaches.push(`${key} has ${[...inline, ...rest]} in line, and ${waiting} wait`);
    if (count === 0 && behind > 0) breaches.push(`${key} has nobody at the head of its line`);
    const isIdle = count + behind + running === 0 && flags < 2;
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
