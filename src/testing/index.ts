/**
 * Tests for jobs and for code that enqueues them, without Redis or sleeping, on a clock that your test moves.
 *
 * @module tidegate/testing
 */

export type { StoreMethod } from "../core/store/calls.ts";
export { type TestClock, testClock } from "./clock.ts";
export { type DrainAllOptions, drainAll } from "./drain-all.ts";
export {
  ExpectationError,
  type Expected,
  type ExpectedEnqueued,
  enqueued,
  expectEnqueued,
  expectNotEnqueued,
  type Part,
} from "./enqueued.ts";
export { type FaultPlan, type FaultRule, type FaultyStore, faultyStore, type StoreFault } from "./faulty-store.ts";
export { type EnqueuedJob, type Performed, type PerformOptions, performJob } from "./perform-job.ts";
export type { StoreCall } from "./wrap-store.ts";
