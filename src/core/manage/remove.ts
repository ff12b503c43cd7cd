import { LONGEST_ID } from "../job/options.ts";
import { conflict } from "../shared/errors.ts";
import { checkKnown, checkText, oneOf } from "../shared/validate.ts";
import { type ClearableState, clearableStates } from "../store/store.ts";
import { getWaitingJob } from "./get.ts";
import type { ManageRuntime } from "./runtime.ts";

/** Removes a waiting job. @throws {TidegateError} `not_found`; `conflict` if it is running or has finished. */
export async function cancelJob(runtime: ManageRuntime, id: string): Promise<void> {
  checkText(id, "id", LONGEST_ID);
  const now = runtime.clock();
  const status = await runtime.store.cancel(id, now);
  if (status === "running") throw conflict(`Job "${id}" is running and cannot be cancelled.`);
  if (status === "missing") await getWaitingJob(runtime, id, now);
}

/** Removes the jobs of a state, and gives how many there were. */
export async function clearJobs(
  { store, clock }: ManageRuntime,
  options: { readonly state?: ClearableState },
): Promise<number> {
  checkKnown(options, ["state"], "clear");
  const { state = "pending" } = options;
  oneOf(state, clearableStates, "state");
  const now = clock();
  let total = 0;
  let from: string | undefined;
  do {
    const { cleared, next } = await store.clear(state, now, from);
    total += cleared;
    from = next;
  } while (from !== undefined);
  return total;
}
