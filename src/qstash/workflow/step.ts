import { jsonIn } from "../../core/shared/json.ts";

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
