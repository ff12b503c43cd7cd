import type { Queue } from "../../core/queue/queue.ts";
import { sha256, toBase64Url } from "../../core/shared/bytes.ts";
import { frontierOf, optionsFor, type Run, type RunOptions, type RunStep } from "./run.ts";
import type { RunStore, Runs } from "./run-documents.ts";
import { stepJob } from "./run-messages.ts";

export type Again = "resume" | "restart";

/** Repeats a failed run as a new one. Its id comes from the failed one, so a second call starts no second run. */
export async function runAgain(
  { runs, enqueue, now }: RunStore,
  failed: Run,
  again: Again,
  changes: Partial<RunOptions> = {},
  notBefore?: number,
): Promise<Run> {
  const id = await idOf(failed, again);
  const created: Run = {
    ...{ id, url: failed.url, createdAt: now, state: "started" },
    options: optionsFor(id, now, { ...failed.options, ...changes }),
    steps: await stepsFor(id, runs.bodiesOf(failed, failed.steps.length), failed, again),
  };
  const run = (await runs.create(created)) ? created : ((await runs.find(id)) ?? created);
  const begin = (step: RunStep) => (notBefore === undefined ? step : { ...step, notBefore });
  await enqueue(await Promise.all(frontierOf(run).map((step) => stepJob(run, begin(step)))));
  return run;
}

/** Lets failed runs expire, because somebody has dealt with the messages that failed them. */
export async function closeRuns(
  runs: Runs,
  messages: readonly { readonly messageId: string; readonly workflowRunId?: string }[],
): Promise<void> {
  for (const { messageId, workflowRunId } of messages) {
    if (workflowRunId === undefined) continue;
    await runs.change(workflowRunId, (run) =>
      run.failedBy === messageId && !run.isClosed ? { ...run, isClosed: true } : undefined,
    );
  }
}

export async function removeDead(
  { queue, runs }: { readonly queue: Queue; readonly runs: Runs },
  messages: Parameters<typeof closeRuns>[1],
): Promise<number> {
  const { removed } = await queue.removeFromDeadLetter({ ids: messages.map(({ messageId }) => messageId) });
  await closeRuns(runs, messages);
  return removed;
}

async function idOf({ id, createdAt, endedAt }: Run, again: Again): Promise<string> {
  const hash = await sha256(JSON.stringify([again, id, createdAt, endedAt]));
  return `wfr_${toBase64Url(hash.slice(0, 18))}`;
}

async function stepsFor(id: string, bodies: ReturnType<Runs["bodiesOf"]>, failed: Run, again: Again) {
  const stored = await bodies;
  const steps = failed.steps.map((step, index): RunStep => {
    const { notBefore, ...rest } = step;
    const suffix = step.id.startsWith(`${failed.id}:`) ? step.id.slice(failed.id.length) : `:${step.step}`;
    const waits = notBefore !== undefined && index > 0;
    return { ...rest, id: `${id}${suffix}`, body: stored[index] ?? {}, ...(waits && { notBefore }) };
  });
  return again === "resume" ? steps : steps.slice(0, 1);
}
