import { sleep, systemClock } from "../../core/shared/clock.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { duration } from "../option-values.ts";
import { counted } from "../output/text.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget, type Target } from "../target.ts";
import { commandsPerHour, frameOf } from "../top/frame.ts";
import { Screen } from "../top/screen.ts";
import { type Snapshot, Snapshots, waitBeforeRefresh } from "../top/snapshots.ts";
import { UsageError } from "../usage-error.ts";

const DESCRIPTION = `Shows all queues, running jobs and the latest failures, live on the whole terminal, until Ctrl-C.

It refreshes every 5 seconds while something changes, and less often while nothing does, at least every 90 seconds. It shows what
that costs: 2 commands per queue if nothing has happened since the last refresh, else 7, or up to 17 in a large queue. Reading the
running jobs of a queue costs up to 5 more. Reading its failures, after a job was dead-lettered, costs about 12.

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
    .action(async ({ every = USUAL_MS, once }) => {
      if (every < LEAST_MS) throw new UsageError("--every must be at least 1s.", "Each refresh costs commands.");
      const target = await openTarget(session);
      const snapshots = new Snapshots(target, session, session.globals.queue !== undefined);
      if (once || (!session.isJson && session.width === undefined)) {
        const snapshot = await snapshots.next();
        return session.print(snapshot, () => frameOf(titleOf(target, snapshot), snapshot, {}, session));
      }
      await session.io.untilInterrupted((signal) => watch(target, snapshots, every, session, signal));
    });
}

async function watch(
  target: Target,
  snapshots: Snapshots,
  everyMs: number,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  const { clock = systemClock, stdout } = session.io;
  const interrupted = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
  const screen = session.isJson ? undefined : new Screen(stdout);
  let last: Snapshot | undefined;
  let quiet = 0;
  let failures = 0;
  try {
    while (!signal.aborted) {
      // Ctrl-C does not wait for a response.
      const next = await Promise.race([snapshots.next().catch((error: unknown) => passing(error, last)), interrupted]);
      if (next === undefined) return;
      const isFailure = typeof next === "string";
      failures = isFailure ? failures + 1 : 0;
      if (!isFailure) {
        quiet = last && isSame(last, next) ? quiet + 1 : 0;
        last = next;
      }
      const shown = last as Snapshot;
      const waitMs = waitBeforeRefresh(everyMs, isFailure ? failures : quiet, shown.queues, clock());
      if (screen) {
        const refresh = { everyMs: waitMs, failure: isFailure ? next : undefined };
        screen.show(frameOf(titleOf(target, shown), shown, refresh, session));
      } else if (!isFailure) session.print({ ...next, commandsPerHour: commandsPerHour(next, waitMs) }, () => "");
      await sleep(clock, waitMs, signal);
    }
  } finally {
    screen?.close();
  }
}

/** The message of a failure that may pass. @throws any other error, and any error of the first snapshot */
function passing(error: unknown, last: Snapshot | undefined): string {
  if (last && isTidegateError(error) && error.code === "store_unavailable") return error.message;
  throw error;
}

/** Whether nothing has happened between two snapshots. The age of the oldest job changes with time alone. */
function isSame(one: Snapshot, other: Snapshot): boolean {
  const still = ({ queues }: Snapshot) =>
    JSON.stringify(queues.map(({ queue, stats }) => ({ queue, ...stats, oldestReadyAgeMs: null })));
  return still(one) === still(other);
}

function titleOf({ label, place }: Target, { queues }: Snapshot): string {
  return queues.length === 1 ? label : `${counted(queues.length, "queue")} ${place}`;
}
