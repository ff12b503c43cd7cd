import { type Clock, sleep, systemClock } from "../core/shared/clock.ts";
import { type Duration, durationMs } from "../core/shared/duration.ts";
import { invalidRequest, TidegateError } from "../core/shared/errors.ts";
import { checkKnown, oneOf, wholeNumber } from "../core/shared/validate.ts";
import { countRequest } from "../core/store/meter.ts";
import type { Store } from "../core/store/store.ts";
import { type StoreCall, type StoreMethod, storeMethods, wrapStore } from "./wrap-store.ts";

/**
 * What goes wrong with one call:
 *
 * - `"before"`: it does not reach the store. Nothing was written, and the caller gets `store_unavailable`.
 * - `"after"`: it reaches the store, and its answer is lost. All was written, and the caller gets `store_unavailable`.
 * - `{ delay }`: it reaches the store so much later, and is answered.
 */
export type StoreFault = "before" | "after" | { readonly delay: Duration };

/** A fault, and which calls it befalls. */
export interface FaultRule {
  /** What goes wrong. */
  readonly fault: StoreFault;
  /** Of this method, or of one of these. Default: of every method. */
  readonly on?: StoreMethod | readonly StoreMethod[];
  /** The n-th such call, counted from 1; or several. Default: every one. */
  readonly call?: number | readonly number[];
}

/** Which calls go wrong and how: one fault for all, rules of which the first that fits counts, or a function that is asked. */
export type FaultPlan = StoreFault | readonly FaultRule[] | ((call: StoreCall) => StoreFault | undefined);

/** A store that fails as it is told. */
export interface FaultyStore extends Store {
  /** The calls so far, in order, those that failed included. */
  readonly calls: readonly StoreCall[];
  /** Goes on by another plan, whose rules count from now. None: nothing goes wrong any more. @throws as `faultyStore` */
  plan(plan?: FaultPlan): void;
}

/**
 * Puts faults into a store, to see how code copes when it is away.
 *
 * ```ts
 * const store = faultyStore(memoryStore(), [{ on: "enqueue", call: 1, fault: "after" }]);
 * const queue = new Queue({ store, jobs: [sendEmail] });
 * await placeOrder(queue); // enqueues with an id, and again when it gets `store_unavailable`
 * await expectEnqueued(queue, sendEmail, { count: 1 });
 * ```
 *
 * @param store where calls go that do not fail.
 * @param plan what goes wrong. Default: nothing.
 * @param options `clock`: what delays are measured on. Default: the system's clock.
 * @throws {TidegateError} `invalid_request` for a plan with a fault, a method or an option that there is not: it would never make
 *   a call fail, and the test pass. Where a function gives such a fault, the call throws it.
 */
export function faultyStore(store: Store, plan?: FaultPlan, options: { clock?: Clock } = {}): FaultyStore {
  checkKnown(options, ["clock"], "faultyStore");
  const { clock = systemClock } = options;
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
    const answer = await run();
    if (fault === "after") throw new TidegateError("store_unavailable", "faultyStore lost the answer to this call.");
    return answer;
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
  plan.forEach(checkRule);
  const rules = plan.map((rule) => ({ rule, count: 0 }));
  return ({ method }) => {
    let fault: StoreFault | undefined;
    // Every rule counts each of its calls, also where an earlier one has decided.
    for (const entry of rules) {
      const { on, call } = entry.rule;
      if (on !== undefined && ![on].flat().includes(method)) continue;
      entry.count++;
      if (call === undefined || [call].flat().includes(entry.count)) fault ??= entry.rule.fault;
    }
    return fault;
  };
}

// Arrays that cannot be changed are none to `Array.isArray` of the compiler.
function isRules(plan: StoreFault | readonly FaultRule[]): plan is readonly FaultRule[] {
  return Array.isArray(plan);
}

function checkRule(rule: FaultRule): void {
  checkKnown(rule, ["fault", "on", "call"], "a rule of faultyStore");
  checkFault(rule.fault ?? null);
  for (const name of ["on", "call"] as const) {
    if ([rule[name]].flat().length === 0)
      throw invalidRequest(`${name} must not be an empty list: the rule befalls no call.`);
  }
  for (const method of [rule.on].flat()) oneOf(method, storeMethods, "on");
  for (const call of [rule.call ?? 1].flat()) wholeNumber(call, "call", 1, Number.MAX_SAFE_INTEGER);
}

function checkFault(fault: StoreFault | null): void {
  if (fault === "before" || fault === "after") return;
  if (typeof fault !== "object" || fault === null)
    throw invalidRequest('fault must be "before", "after" or { delay: "5s" }.');
  checkKnown(fault, ["delay"], "a fault");
  durationMs(fault.delay, "delay");
}
