import { LONGEST_ID } from "../job/options.ts";
import { conflict } from "../shared/errors.ts";
import { checkFlag, checkText, knownOptions, oneOf } from "../shared/validate.ts";
import { type ClearableState, clearableStates } from "../store/store.ts";
import { getWaitingJob } from "./get.ts";
import type { ManageNeeds } from "./needs.ts";

/** Which jobs to cancel. */
export interface CancelOptions {
  /** A running job as well. Default false. */
  readonly running?: boolean | undefined;
}

/** Removes a waiting job, or a running one too. @throws as `Queue.cancel` */
export async function cancelJob(needs: ManageNeeds, id: string, options: CancelOptions): Promise<void> {
  checkText(id, "id", LONGEST_ID);
  const { running = false } = knownOptions(options, ["running"], "cancel");
  checkFlag(running, "running");
  const now = needs.clock();
  const [status] = await needs.store.cancel([id], now, running);
  if (status === "running") throw conflict(`Job "${id}" is running. To stop it, cancel it with { running: true }.`);
  if (status === "missing") await getWaitingJob(needs, id, now);
}

/** Removes the jobs of a state, and gives how many there were. */
export async function clearJobs(
  { store, clock }: ManageNeeds,
  options: { readonly state?: ClearableState | undefined },
): Promise<number> {
  const { state = "pending" } = knownOptions(options, ["state"], "clear");
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
