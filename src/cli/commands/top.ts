import { Allowance } from "../../core/shared/poll-allowance.ts";
import { duration } from "../option-values.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget } from "../target.ts";
import { frameOf } from "../top/frame.ts";
import { Snapshots } from "../top/snapshots.ts";
import { titleOf, Watch } from "../top/watch.ts";
import { UsageError } from "../usage-error.ts";

const DESCRIPTION = `Shows all queues, running jobs and the latest failures, live on the whole terminal.

q or Ctrl-C ends it, p pauses the screen, tab and the arrows show one queue after another, s sorts the queues, r refreshes, and ? shows
this.

It refreshes every 5 seconds while something changes, and less often while nothing does, at least every 90 seconds. It shows what
that costs: 2 commands per queue if nothing has happened since the last refresh, else 7, or up to 17 in a large queue. Reading the
running jobs of a queue costs up to 5 more. Reading its failures, after a job was dead-lettered, costs about 12.

Without --every, it spends no more than a tab of the dashboard: up to 1,500 commands in an hour, of which 300 at once. It then waits
longer. What you ask for by a key comes at once.

When piped, prints one snapshot. With --json, prints one JSON document per line and refresh, until Ctrl-C.`;

const USUAL_MS = 5_000;
const LEAST_MS = 1_000;

export function addTop(session: Session): void {
  addCommand(
    session.program,
    "queue:top",
    "watch all queues live",
    DESCRIPTION,
    ["tidegate queue:top", "watch all queues"],
    ["tidegate queue:top --queue bulk --every 30s", "watch one, for less"],
    ["tidegate queue:top --once --json", "one snapshot, for a script"],
  )
    .option("--every <duration>", "how often to refresh while something changes (default: 5s)", duration)
    .option("--once", "print one snapshot and exit")
    .action(async ({ every, once }) => {
      if (every !== undefined && every < LEAST_MS)
        throw new UsageError("--every must be at least 1s.", "Each refresh costs commands.");
      const target = await openTarget(session);
      const snapshots = new Snapshots(target, session, session.globals.queue !== undefined);
      if (once || (!session.isJson && session.width === undefined)) {
        const snapshot = await snapshots.next();
        return session.print(snapshot, () => frameOf(titleOf(target, snapshot), snapshot, {}, session));
      }
      const allowance = every === undefined ? new Allowance(session.now) : undefined;
      const watch = new Watch(target, snapshots, { everyMs: every ?? USUAL_MS, allowance }, session);
      await session.io.untilInterrupted((signal) => watch.run(signal));
    });
}
