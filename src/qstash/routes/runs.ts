import type { Queue } from "../../core/queue/queue.ts";
import { isTidegateError, notFound } from "../../core/shared/errors.ts";
import { readBytes } from "../../http/contract/body.ts";
import { json } from "../answers.ts";
import { LARGEST_BODY, type QStashCall } from "../request.ts";
import { type RunStore, rawSteps } from "../workflow/deliveries.ts";
import { endRun, type RunEnd } from "../workflow/ends.ts";
import { frontierOf, type Run } from "../workflow/run.ts";
import { runsOf, waitsOf } from "../workflow/submit.ts";

/** `GET /v2/workflows/runs/{id}`: the steps of a run, as its deliveries bring them. */
export async function getSteps({ host, parameters }: QStashCall): Promise<Response> {
  const runs = runsOf(host.queue);
  const run = await runs.find(parameters["id"] ?? "");
  if (run?.state !== "started") throw unknownRun();
  return json(await rawSteps(run, runs, run.steps.length));
}

/** `DELETE /v2/workflows/runs/{id}`: cancels a run or, with `cancel=false`, ends it with the response in the body. */
export async function endOneRun({ request, query, host, parameters }: QStashCall): Promise<Response> {
  const cancels = query.get("cancel") !== "false";
  const response = new TextDecoder().decode(await readBytes(request.body, LARGEST_BODY));
  const end: RunEnd = cancels ? { state: "canceled" } : { state: "success", response };
  const run = await endRun(runStore(host), parameters["id"] ?? "", end);
  if (run?.state !== end.state) throw unknownRun();
  if (cancels) await cancelMessages(host.queue, run);
  return json({});
}

/** Cancels the messages from which a run would go on. They would not be delivered, but some are due in months. */
export async function cancelMessages(queue: Queue, run: Run): Promise<void> {
  for (const { id } of frontierOf(run)) {
    await queue.cancel(id).catch((error) => {
      if (!isTidegateError(error) || error.code === "store_unavailable") throw error;
    });
  }
}

export function runStore({ queue, enqueue }: QStashCall["host"]): RunStore {
  return {
    runs: runsOf(queue),
    waits: waitsOf(queue),
    now: queue.clock(),
    async enqueue(jobs) {
      await enqueue(jobs);
    },
  };
}

function unknownRun(): Error {
  return notFound("No run with this id goes on.");
}
