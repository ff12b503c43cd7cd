import { type Duration, durationMs } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import { flag, optionsOf, pathText, span, whole } from "../shared/schema.ts";
import { checkPathText, knownOptions } from "../shared/validate.ts";
import type { FlowLimits } from "../store/flow.ts";

/** The limits of a flow control key. Keys are served round-robin, even those without limits. */
export interface FlowControlLimits {
  /** How many of the key's jobs may run at the same time, over all invocations. Default: any number. */
  readonly concurrency?: number | undefined;
  /** How many attempts may start in one window of `period`. Needs a `period`. Default: any number. */
  readonly rate?: number | undefined;
  /**
   * How long a window is, up to 31 days. It opens with the first attempt after the previous one has closed, by the
   * clock of the invocation that starts the attempt. The store keeps a key for this long after its last job.
   */
  readonly period?: Duration | undefined;
  /**
   * Runs the key's jobs strictly in the order they were enqueued, one at a time. If the first job is
   * delayed, snoozed or retried, the others wait until it has completed or is dead. Cannot be combined with a
   * `concurrency` other than 1. Default false.
   */
  readonly ordered?: boolean | undefined;
}

/** How `enqueue` sets the key and the limits of one job. The definition sets what you leave out. */
export interface FlowControlOptions extends FlowControlLimits {
  /**
   * 1 to 256 characters, and not reserved. All jobs with a key share its limits, whatever their names. Default: the
   * definition's key.
   */
  readonly key?: string | undefined;
}

/** How `defineJob` sets the key and the limits of its jobs. */
export interface FlowControl<Input> extends FlowControlLimits {
  /**
   * 1 to 256 characters, or a function that makes the key from the payload. The function is called once, at enqueue. It
   * gets the payload as JSON, before the schema changes it.
   */
  readonly key: string | FlowKeyOf<Input>["of"];
}

/** A method and not a function type, so that code can wrap a definition whatever its payload is. */
interface FlowKeyOf<Input> {
  of(payload: Input): string;
}

export const LONGEST_FLOW_KEY = 256;

export const HIGHEST_LIMIT = 1_000_000_000;
/** The state of a key is kept until its window closes, even without jobs. */
const LONGEST_PERIOD_MS = 31 * 86_400_000;

export const flowKeyText = pathText(LONGEST_FLOW_KEY, "tenant-7");

export const limitNames = ["concurrency", "rate", "period", "ordered"] as const;

/** The limits of a key. `flowLimits` checks that they do not contradict each other. */
export const limitOptions = optionsOf<FlowControlLimits>("flowControl.set", {
  concurrency: whole(1, HIGHEST_LIMIT),
  rate: whole(1, HIGHEST_LIMIT),
  period: span,
  ordered: flag,
});

export const flowControlOptions = optionsOf<FlowControlOptions>("flowControl", {
  key: flowKeyText,
  ...limitOptions.fields,
});

export function checkFlowKey(key: unknown, name = "flowControl.key"): asserts key is string {
  checkPathText(key, name, LONGEST_FLOW_KEY);
}

export function checkFlowControl(given: FlowControl<never>): void {
  const { key, ...limits } = knownOptions(given, Object.keys(flowControlOptions.fields), "flowControl");
  if (typeof key !== "function") checkFlowKey(key);
  flowLimits(limits);
}

export function checkLimits(limits: FlowControlLimits): FlowLimits {
  return flowLimits(limitOptions.read(limits));
}

/** Reads limits. @throws {TidegateError} `invalid_request` if they are invalid, or contradict each other. */
export function flowLimits(limits: FlowControlLimits): FlowLimits {
  const { concurrency, rate, period, ordered = false } = limitOptions.read(limits, "flowControl");
  const periodMs = period === undefined ? 0 : durationMs(period, "flowControl.period");
  if (periodMs > LONGEST_PERIOD_MS) throw invalidRequest("flowControl.period must be at most 31 days.");
  if (rate !== undefined && period === undefined)
    throw invalidRequest('flowControl.rate needs a period: flowControl.period, such as "1m".');
  if (rate === undefined && period !== undefined)
    throw invalidRequest("flowControl.period needs a rate: flowControl.rate, such as 100.");
  if (ordered && concurrency !== undefined && concurrency !== 1)
    throw invalidRequest(
      "flowControl.ordered runs one job at a time: leave out flowControl.concurrency, or set it to 1.",
    );
  return { concurrency: concurrency ?? 0, rate: rate ?? 0, periodMs, ordered };
}
