import { Option } from "@commander-js/extra-typings";
import type { QueueStats } from "../../core/manage/stats.ts";
import { type ClearableState, clearableStates } from "../../core/store/store.ts";
import { counted } from "../output/text.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { type AnyQueue, openTarget } from "../target.ts";

export function addClear(session: Session): void {
  addCommand(
    session.program,
    "queue:clear",
    "remove all jobs of a state",
    "Removes jobs for good, after confirmation. Running jobs and schedules stay.",
    ["tidegate queue:clear", "remove every waiting job"],
    ["tidegate queue:clear --state completed --yes", "free memory, without confirmation"],
  )
    .addOption(
      new Option("--state <state>", "which jobs; pending means scheduled and ready")
        .choices(clearableStates)
        .default("pending" as const),
    )
    .option("--yes", "do not ask for confirmation")
    .action(async ({ state, yes }) => {
      const { queue, label } = await openTarget(session);
      const isWanted = await session.confirm(() => question(queue, label, state), yes);
      const cleared = isWanted ? await clear(queue, state, session) : 0;
      session.print({ cleared }, () =>
        cleared > 0 ? `Removed ${counted(cleared, `${state} job`)}.` : `Nothing to remove: there are no ${state} jobs.`,
      );
    });
}

const countOf: Readonly<Record<ClearableState, keyof QueueStats>> = {
  pending: "pendingCount",
  scheduled: "scheduledCount",
  ready: "readyCount",
  completed: "completedCount",
  dead: "deadLetterCount",
};

async function question(queue: AnyQueue, label: string, state: ClearableState): Promise<string | undefined> {
  const count = Number((await queue.getStats())[countOf[state]]);
  return count > 0 ? `${label}: remove ${counted(count, `${state} job`)} for good?` : undefined;
}

async function clear(queue: AnyQueue, state: ClearableState, session: Session): Promise<number> {
  const line = session.liveLine();
  line.show(`Removing ${state} jobs ...`);
  const { cleared } = await queue.clear({ state }).finally(() => line.clear());
  return cleared;
}
