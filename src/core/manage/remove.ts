import { LONGEST_ID } from "../job/options.ts";
import { conflict } from "../shared/errors.ts";
import { described, flag, optionsOf, word } from "../shared/schema.ts";
import { checkText } from "../shared/validate.ts";
import { type ClearableState, clearableStates } from "../store/store.ts";
import { getWaitingJob } from "./get.ts";
import type { ManageRuntime } from "./runtime.ts";

/** Which jobs to cancel. */
export interface CancelOptions {
  /** A running job as well. Default false. */
  readonly running?: boolean | undefined;
}

export const cancelOptions = optionsOf<CancelOptions>("cancel", {
  running: described(flag, "Whether the job may run: it is aborted then. Default false."),
});

export const clearOptions = optionsOf<{ readonly state?: ClearableState | undefined }>("clear", {
  state: word(clearableStates),
});

/** Removes a waiting job, or a running one too. @throws as `Queue.cancel` */
export async function cancelJob(runtime: ManageRuntime, id: string, options: CancelOptions): Promise<void> {
  checkText(id, "id", LONGEST_ID);
  const { running = false } = cancelOptions.read(options);
  const now = runtime.clock();
  const [status] = await runtime.store.cancel([id], now, running);
  if (status === "running") throw conflict(`Job "${id}" is running. To stop it, cancel it with { running: true }.`);
  if (status === "missing") await getWaitingJob(runtime, id, now);
}

/** Removes the jobs of a state, and gives how many there were. */
export async function clearJobs(
  { store, clock }: ManageRuntime,
  options: { readonly state?: ClearableState | undefined },
): Promise<number> {
  const { state = "pending" } = clearOptions.read(options);
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
