/** What the SDK sends as a step. It has more fields, which only the SDK reads. */
export interface Step {
  /** From 1. 0 for the payload of the run, and for plans. */
  readonly stepId: number;
  readonly stepName: string;
  readonly stepType: string;
  /** How many steps run in parallel with it, itself among them. */
  readonly concurrent: number;
  /** The step that it plans. */
  readonly targetStep?: number;
}

/** The step of another run that waits for the end of this one. */
export interface Invoker {
  readonly runId: string;
  /** ms since 1970 */
  readonly createdAt: number;
  readonly url: string;
  /** What its result is made of. */
  readonly step: Step;
}

/** What a message is to a run of a workflow. */
export interface WorkflowNote {
  readonly runId: string;
  /** When the run was triggered, in ms since 1970. */
  readonly createdAt: number;
  /**
   * A "step" brings the workflow its steps so far. A "call" goes to somebody else, its "result" to the workflow. A "timeout" ends the
   * wait for an event. "failure" reports that the run has failed.
   */
  readonly role: "step" | "call" | "result" | "timeout" | "failure";
  /** The step that a call, a timeout or an event is for. */
  readonly step?: number;
  /** Where the wait is kept that a timeout or an event ends. */
  readonly wait?: string;
}

/** Whether a stored value is a note: a payload may have been edited by hand. */
export function isNote(value: unknown): value is WorkflowNote {
  const { runId, createdAt, role, step, wait } = Object(value) as Readonly<Record<string, unknown>>;
  const known = ["step", "call", "result", "timeout", "failure"];
  const isNumber = (number: unknown) => number === undefined || typeof number === "number";
  return (
    typeof runId === "string" &&
    typeof createdAt === "number" &&
    known.includes(String(role)) &&
    isNumber(step) &&
    (wait === undefined || typeof wait === "string")
  );
}

/** Whether a value is a step. */
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
