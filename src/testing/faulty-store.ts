import { type Clock, sleep, systemClock } from "../core/shared/clock.ts";
import { type Duration, durationMs } from "../core/shared/duration.ts";
import { invalidRequest, TidegateError } from "../core/shared/errors.ts";
import { knownOptions, oneOf, wholeNumber } from "../core/shared/validate.ts";
import type { StoreMethod } from "../core/store/calls.ts";
import { countRequest } from "../core/store/meter.ts";
import type { Store } from "../core/store/store.ts";
import { memoryStore } from "../stores/memory/index.ts";
import { type StoreCall, wrapStore } from "./wrap-store.ts";

/**
 * What goes wrong with a call:
 *
 * - `"before"`: the call does not reach the store. Nothing is written, and the caller gets `store_unavailable`.
 * - `"after"`: the call reaches the store, but its response is lost. Everything is written, and the caller gets
 *   `store_unavailable`.
 * - `{ delay }`: the call reaches the store after this delay and succeeds.
 */
export type StoreFault = "before" | "after" | { readonly delay: Duration };

/** A fault, and the calls it applies to. */
export interface FaultRule {
  /** What goes wrong. */
  readonly fault: StoreFault;
  /** A method, or several. Default: every method. */
  readonly on?: StoreMethod | readonly StoreMethod[] | undefined;
  /** The n-th such call, counted from 1, or several. Default: every call. */
  readonly call?: number | readonly number[] | undefined;
}

/** What goes wrong: one fault for all calls, rules (the first that matches applies), or a function. */
export type FaultPlan = StoreFault | readonly FaultRule[] | ((call: StoreCall) => StoreFault | undefined);

/** The memory store is the specification: all stores have its methods. */
const storeMethods = Object.entries(memoryStore().open("methods")).flatMap(([name, member]) =>
  typeof member === "function" ? name : [],
);

/** A store with injected faults. */
export interface FaultyStore extends Store {
  /** All calls so far, in order, including failed ones. */
  readonly calls: readonly StoreCall[];
  /**
   * Replaces the plan. The counts of its rules start again. Without a plan, nothing fails any more.
   *
   * @throws as `faultyStore`
   */
  plan(plan?: FaultPlan): void;
}

/**
 * Injects faults into a store, to test how your code copes when the store fails.
 *
 * ```ts
 * const store = faultyStore(memoryStore(), [{ on: "enqueue", call: 1, fault: "after" }]);
 * const queue = new Queue({ store, jobs: [sendEmail] });
 * await placeOrder(queue); // enqueues with an id, and again when it gets `store_unavailable`
 * await expectEnqueued(queue, sendEmail, { count: 1 });
 * ```
 *
 * @param store the store that gets the calls.
 * @param plan what goes wrong. Default: nothing.
 * @param options `clock`: the clock for delays. Default: the system's clock.
 * @throws {TidegateError} `invalid_request` for an unknown fault, method or option in the plan: it would never fail a
 *   call, and your test would pass. If a function returns an unknown fault, the call throws.
 */
export function faultyStore(store: Store, plan?: FaultPlan, options: { clock?: Clock | undefined } = {}): FaultyStore {
  const { clock = systemClock } = knownOptions(options, ["clock"], "faultyStore");
  const calls: StoreCall[] = [];
  let choose = chooser(plan);
  const faulty = wrapStore(store, async (call, run, meter) => {
    calls.push(call);
    const fault = choose(call);
    if (fault !== undefined) checkFault(fault);
    if (fault === "before") {
      countRequest(meter, 0);
      throw new TidegateError("store_unavailable", "faultyStore kept this call from the store.");
    }
    if (typeof fault === "object") await sleep(clock, durationMs(fault.delay, "delay"));
    const reply = await run();
    if (fault === "after") throw new TidegateError("store_unavailable", "faultyStore lost the response to this call.");
    return reply;
  });
  return {
    ...faulty,
    calls,
    plan(next) {
      choose = chooser(next);
    },
  };
}

function chooser(plan: FaultPlan | undefined): (call: StoreCall) => StoreFault | undefined {
  if (plan === undefined) return () => undefined;
  if (typeof plan === "function") return plan;
  if (!isRules(plan)) {
    checkFault(plan);
    return () => plan;
  }
  const rules = plan.map((rule) => ({ rule: readRule(rule), count: 0 }));
  return ({ method }) => {
    let fault: StoreFault | undefined;
    // Every rule counts its calls, even after an earlier rule has matched.
    for (const entry of rules) {
      const { on, call } = entry.rule;
      if (on !== undefined && ![on].flat().includes(method)) continue;
      entry.count++;
      if (call === undefined || [call].flat().includes(entry.count)) fault ??= entry.rule.fault;
    }
    return fault;
  };
}

// The compiler's `Array.isArray` does not recognise readonly arrays.
function isRules(plan: StoreFault | readonly FaultRule[]): plan is readonly FaultRule[] {
  return Array.isArray(plan);
}

function readRule(given: FaultRule): FaultRule {
  const rule = knownOptions(given, ["fault", "on", "call"], "a rule of faultyStore");
  checkFault(rule.fault ?? null);
  for (const name of ["on", "call"] as const) {
    if ([rule[name]].flat().length === 0)
      throw invalidRequest(`${name} must not be an empty list: the rule would apply to no call.`);
  }
  for (const method of [rule.on].flat()) oneOf(method, storeMethods, "on");
  for (const call of [rule.call ?? 1].flat()) wholeNumber(call, "call", 1, Number.MAX_SAFE_INTEGER);
  return rule;
}

function checkFault(fault: StoreFault | null): void {
  if (fault === "before" || fault === "after") return;
  if (typeof fault !== "object" || fault === null)
    throw invalidRequest('fault must be "before", "after" or { delay: "5s" }.');
  const { delay } = knownOptions(fault, ["delay"], "a fault");
  durationMs(delay, "delay");
}
