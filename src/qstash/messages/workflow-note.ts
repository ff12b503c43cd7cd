/** The role of a message in a run of a workflow. */
export interface WorkflowNote {
  readonly runId: string;
  /** When the run was triggered, in ms since 1970. */
  readonly createdAt: number;
  /**
   * A "step" brings the workflow its steps so far. A "call" goes to another destination, and its "result" to the
   * workflow. A "timeout" ends the wait for an event. A "failure" reports that the run has failed.
   */
  readonly role: "step" | "call" | "result" | "timeout" | "failure";
  /** The step of a call, a timeout or an event. */
  readonly step?: number;
  /** The document of the wait that a timeout or an event ends. */
  readonly wait?: string;
}

/** Whether a stored value is a note. A payload may have been edited by hand. */
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
