import type { AttemptHost, JobEnding } from "../../core/job/inner-options.ts";
import { toBase64 } from "../../core/shared/bytes.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { type CallbackParts, callbackId } from "../callbacks/callback-jobs.ts";
import { bytesOfBody } from "../messages/body.ts";
import type { WorkflowNote } from "../messages/message.ts";
import { readRedaction } from "../messages/redaction.ts";
import type { KeptResponse } from "../messages/response.ts";
import type { Run } from "./run.ts";
import { type RunStore, runStoreOf } from "./run-documents.ts";
import { hasGoneOn, tellInvoker } from "./step-delivery.ts";

export type RunEnd =
  | { readonly state: "success"; readonly response: string }
  | { readonly state: "canceled" }
  | {
      readonly state: "failed";
      readonly failedBy: string;
      /** The id of the message that reports it. */
      readonly reportId: string;
      readonly response: string;
    };

/**
 * Ends a run, and brings its end to the run that invoked it. If several ends race, the first stored one counts. A
 * second call brings the stored end again, because the first call may have been killed before it did so.
 *
 * @returns the run as it is now, which may have ended in another way; undefined if there is none.
 */
export async function endRun(host: RunStore, id: string, end: RunEnd): Promise<Run | undefined> {
  const run = await host.runs.change(id, (current) =>
    current.state === "started" ? { ...current, ...end, endedAt: host.now } : undefined,
  );
  if (run) await tellInvoker(host, run);
  return run;
}

/** Whether the run fails if this message fails. */
export function carriesRun({ role }: WorkflowNote): boolean {
  return role !== "call" && role !== "failure";
}

/** Ends the run of a dead message. @returns what callbacks report of it; "of no account" means no callbacks. */
export async function afterMessage(
  note: WorkflowNote,
  { id, attempts, failure }: JobEnding,
  host: AttemptHost,
  response: KeptResponse,
): Promise<CallbackParts | "of no account"> {
  // After a response before the last retry, the SDK waits for another one.
  if (note.role === "call") return { source: { maxRetries: attempts - 1 } };
  if (failure === undefined || !carriesRun(note)) return {};
  const store = runStoreOf(host);
  if (await hasGoneOn(note, id, store)) return "of no account";
  const text = new TextDecoder().decode(response.body);
  const reportId = callbackId("failure-callback", id, host);
  const run = await endRun(store, note.runId, { state: "failed", failedBy: id, reportId, response: text });
  if (run?.failedBy !== id) return "of no account";
  const [payload] = await store.runs.bodiesOf(run, 1);
  const { failureCallback, redact } = run.options;
  const sourceBody = toBase64(bytesOfBody(payload ?? {}));
  const source = { sourceBody, workflowRunId: run.id, workflowCreatedAt: run.createdAt, workflowUrl: run.url };
  return withoutUndefined({ source, failureCallback, redaction: readRedaction(redact ?? null) });
}
