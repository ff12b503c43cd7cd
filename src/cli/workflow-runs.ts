import { connect, query } from "../client/transport.ts";
import { TidegateError } from "../core/shared/errors.ts";
import { listRuns } from "../qstash/routes/runs.ts";
import { fetchWithTimeout } from "./fetch-with-timeout.ts";
import { withoutCredentials } from "./output/address.ts";
import type { RunDetails, RunState, RunStep } from "./output/runs.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

// Runs of workflows, as QStash's interface shows them: over HTTP at a handler, and directly elsewhere.

interface LoggedStep {
  readonly stepName?: string;
  readonly stepId?: number;
  readonly state: string;
  readonly createdAt?: number;
}

interface LoggedRun {
  readonly workflowRunId: string;
  readonly workflowUrl: string;
  readonly workflowState: string;
  readonly workflowRunCreatedAt: number;
  readonly workflowRunCompletedAt?: number | undefined;
  readonly steps: readonly { readonly steps: readonly LoggedStep[] }[];
}

interface RunPage {
  readonly runs: readonly RunDetails[];
  readonly cursor: string | null;
}

interface Asked {
  readonly id?: string | undefined;
  readonly count?: number | undefined;
  readonly cursor?: string | undefined;
}

/** The token of QStash's interface: handlers show runs to nobody else. */
const TOKEN = "QSTASH_TOKEN";

/** Whether the runs of a target can be read. A handler needs a token for its interface. */
export function canReadWorkflows(target: Target, { io }: Session): boolean {
  return target.kind !== "handler" || (io.env[TOKEN] ?? "") !== "";
}

/**
 * Reads runs of workflows with their steps, newest first.
 *
 * @throws {UsageError} if the handler does not know the token; {TidegateError} `not_found` if it does not serve
 * QStash's interface, and as the target does.
 */
export async function readWorkflows(target: Target, { id, ...page }: Asked, session: Session): Promise<RunPage> {
  const asked = { ...(id !== undefined && { workflowRunId: id }), ...page };
  const { runs, cursor } = await logsOf(target, query(asked), session);
  return { runs: runs.map(runOf), cursor: cursor ?? null };
}

interface Logs {
  readonly runs: readonly LoggedRun[];
  readonly cursor?: string | undefined;
}

async function logsOf(target: Target, asked: string, { io, globals }: Session): Promise<Logs> {
  if (target.kind !== "handler") {
    const { runs, cursor } = await listRuns({ queue: target.queue, query: new URLSearchParams(asked) });
    return { runs: runs.flatMap((run) => run ?? []), cursor };
  }
  const url = globals.url ?? io.env["TIDEGATE_URL"] ?? "";
  const [status, body] = await connect({ url, token: io.env[TOKEN], fetch: fetchWithTimeout(io) })(
    "GET",
    `/v2/workflows/logs${asked}`,
  );
  const { runs, cursor } = Object(body) as Partial<Logs>;
  if (status === 200 && Array.isArray(runs)) return { runs, cursor };
  if (status === 401) throw new UsageError(`${TOKEN} is no token of this handler's QStash interface.`);
  if (status === 404) throw new TidegateError("not_found", "The handler does not serve QStash's interface.");
  throw new TidegateError(
    "store_unavailable",
    `The handler does not show its runs of workflows: ${status === 0 ? "no response" : `status ${status}`}.`,
  );
}

const states: Readonly<Record<string, RunState>> = {
  RUN_STARTED: "running",
  RUN_SUCCESS: "completed",
  RUN_FAILED: "dead",
  RUN_CANCELED: "cancelled",
};

function runOf(run: LoggedRun): RunDetails {
  const { workflowRunId: id, workflowUrl, workflowState, workflowRunCreatedAt, workflowRunCompletedAt } = run;
  const [, ...groups] = run.steps;
  const steps: RunStep[] = [];
  // Only when a step ended is stored: it began when the ones before it had ended.
  let beganAt = workflowRunCreatedAt;
  for (const group of groups) {
    const ofGroup = group.steps.map((step) => stepOf(step, beganAt));
    steps.push(...ofGroup);
    beganAt = Math.max(beganAt, ...ofGroup.map(({ endedAt }) => endedAt?.getTime() ?? 0));
  }
  return {
    ...{ id, kind: "workflow", name: withoutCredentials(workflowUrl) },
    state: states[workflowState] ?? "running",
    startedAt: new Date(workflowRunCreatedAt),
    endedAt: workflowRunCompletedAt === undefined ? null : new Date(workflowRunCompletedAt),
    done: steps.filter(({ endedAt }) => endedAt !== null).length,
    total: steps.length,
    steps,
  };
}

function stepOf({ stepName, stepId, state, createdAt }: LoggedStep, beganAt: number): RunStep {
  const isDone = state === "STEP_SUCCESS" && createdAt !== undefined;
  return {
    name: stepName ?? (stepId === undefined ? "the next step" : `step ${stepId}`),
    state: state.replace("STEP_", "").replace("SUCCESS", "completed").toLowerCase(),
    startedAt: new Date(beganAt),
    endedAt: isDone ? new Date(createdAt) : null,
  };
}
