import { bytesOfBody } from "../../src/qstash/messages/body.ts";
import type { Runs } from "../../src/qstash/workflow/run-documents.ts";

/** Whether the result of a step is stored with its run. */
export async function stepIsStored(runs: Runs, runId: string, step: string): Promise<boolean> {
  const run = await runs.find(runId);
  const bodies = run ? await runs.bodiesOf(run, run.steps.length) : [];
  return bodies.some((body) => {
    const text = new TextDecoder().decode(bytesOfBody(body));
    return text.includes(`"stepName":"${step}"`) && !text.includes('"targetStep"');
  });
}
