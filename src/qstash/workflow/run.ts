import { jsonIn } from "../../core/shared/json.ts";
import { type StoredBody, storedBody } from "../messages/body.ts";
import type { Message } from "../messages/message.ts";

/** The state of a run. It is in progress while it is "started". */
export type RunState = "started" | "success" | "failed" | "canceled";

/** How the messages of a run are delivered, from its trigger. */
export interface RunOptions
  extends Pick<Message, "header" | "timeoutMs" | "retryDelay" | "labels" | "failureCallback" | "limits"> {
  readonly retries?: number;
  /** Whether a response without the SDK's header is an error. Default false: older SDKs do not send it. */
  readonly expectsSdk?: boolean;
  /** What its messages hide: the value of `Upstash-Redact-Fields`. */
  readonly redact?: string;
}

export interface Run {
  readonly id: string;
  readonly url: string;
  /** ms since 1970 */
  readonly createdAt: number;
  readonly options: RunOptions;
  readonly invoker?: Invoker;
  readonly state: RunState;
  /** The first holds the payload of the run. */
  readonly steps: readonly RunStep[];
  /** The ids of the runs that its steps have invoked. */
  readonly invoked?: Readonly<Record<number, string>>;
  /** ms since 1970 */
  readonly endedAt?: number;
  /** What the workflow returned, as JSON. */
  readonly response?: string;
  /** The message whose failure ended the run. */
  readonly failedBy?: string;
  /** The message that reports the failure, if the run has a failure callback. */
  readonly reportId?: string;
  /** Whether somebody has dealt with the failure. Then the run expires. */
  readonly isClosed?: boolean;
}

/** The result of a step, or the plan of a parallel step that has no result yet. */
export interface RunStep {
  /** The id of the message that brings it to the workflow. */
  readonly id: string;
  /** When it was stored, in ms since 1970. */
  readonly at: number;
  /** The number of the step, from 1. 0 for the payload and for plans. */
  readonly step: number;
  /** The step that it plans. */
  readonly target?: number;
  /** How many steps run in parallel, including this one. */
  readonly concurrent: number;
  /** Where its message goes. Default: the URL of the run. */
  readonly url?: string;
  /** When its message is delivered, in ms since 1970. Default: immediately. */
  readonly notBefore?: number;
  /** Default: in a document of its own. */
  readonly body?: StoredBody;
}

export function resultOf({ steps }: Pick<Run, "steps">, step: number): RunStep | undefined {
  return steps.find((each) => each.step === step && step > 0);
}

/** Whether both are the same step, or plans of the same step. */
export function isSameStep(a: Pick<RunStep, "step" | "target">, b: Pick<RunStep, "step" | "target">): boolean {
  return a.step === b.step && a.target === b.target;
}

/** The steps that the workflow submitted after the delivery of a step. */
export function followersOf({ steps }: Pick<Run, "steps">, index: number): readonly RunStep[] {
  const known = steps.slice(0, index + 1);
  const { target } = known.at(-1) ?? {};
  if (target !== undefined) return steps.filter(({ step }) => step === target);
  if (openPlans(known).length > 0) return [];
  const next = 1 + Math.max(...known.map((each) => each.target ?? each.step));
  const plans = steps.filter((each) => each.target !== undefined && each.target >= next);
  const isPlanned = plans.some((each) => each.target === next);
  return isPlanned
    ? plans.filter((each) => (each.target ?? 0) < next + each.concurrent)
    : steps.filter(({ step }) => step === next);
}

/** The steps that continue a run: the plans without a result or, if there are none, the last step. */
export function frontierOf({ steps }: Pick<Run, "steps">): readonly RunStep[] {
  const open = openPlans(steps);
  return open.length > 0 ? open : steps.slice(-1);
}

function openPlans(steps: readonly RunStep[]): readonly RunStep[] {
  return steps.filter(({ target }) => target !== undefined && !steps.some(({ step }) => step === target));
}

/** The ids of the messages of a run. They come from its steps, so that no message is stored twice. */
export const messageIds = {
  start: (runId: string) => `${runId}:0`,
  /** The start that the SDK sends after a trigger from an unknown client. */
  startBySdk: (runId: string) => `${runId}:0:sdk`,
  result: (runId: string, step: number) => `${runId}:${step}`,
  plan: (runId: string, target: number) => `${runId}:${target}:plan`,
  call: (runId: string, step: number) => `${runId}:${step}:call`,
  timeout: (runId: string, step: number) => `${runId}:${step}:timeout`,
};

export function stepIdOf(runId: string, messageId: string): string {
  return messageId === messageIds.startBySdk(runId) ? messageIds.start(runId) : messageId;
}

export function optionsFor(runId: string, createdAt: number, options: RunOptions): RunOptions {
  const { failureCallback, ...rest } = options;
  if (!failureCallback) return rest;
  const header = { ...failureCallback.header, "Upstash-Workflow-Runid": [runId] };
  return { ...rest, failureCallback: { ...failureCallback, header, workflow: { runId, createdAt, role: "failure" } } };
}

export function runStepOf(runId: string, step: Step, body: Uint8Array, now: number): RunStep {
  const { stepId, targetStep, concurrent } = step;
  const isPlan = targetStep !== undefined && targetStep > 0;
  return {
    id: isPlan ? messageIds.plan(runId, targetStep) : messageIds.result(runId, stepId),
    ...{ at: now, step: stepId, concurrent, body: storedBody(body) },
    ...(isPlan && { target: targetStep }),
  };
}

/** A step in the SDK's format. Only the SDK reads its other fields. */
export interface Step {
  /** From 1. 0 for the payload of the run, and for plans. */
  readonly stepId: number;
  readonly stepName: string;
  readonly stepType: string;
  /** How many steps run in parallel, including this one. */
  readonly concurrent: number;
  /** The step that it plans. */
  readonly targetStep?: number;
}

/** The event of the webhook that a step creates; undefined for any other step. */
export function webhookOf({ stepType, out }: Step & { readonly out?: unknown }): string | undefined {
  if (stepType !== "CreateWebhook") return undefined;
  const { eventId } = Object(jsonIn(String(out)));
  return typeof eventId === "string" ? eventId : undefined;
}

/** The step of another run that waits for the end of this one. */
export interface Invoker {
  readonly runId: string;
  /** ms since 1970 */
  readonly createdAt: number;
  readonly url: string;
  readonly step: Step;
}

export function isStep(value: unknown): value is Step {
  const { stepId, stepName, stepType, concurrent, targetStep } = Object(value) as Partial<Step>;
  return (
    Number.isInteger(stepId) &&
    typeof stepName === "string" &&
    typeof stepType === "string" &&
    Number.isInteger(concurrent) &&
    (targetStep === undefined || Number.isInteger(targetStep))
  );
}
