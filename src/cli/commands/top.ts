import { sleep, systemClock } from "../../core/shared/clock.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { duration } from "../option-values.ts";
import { counted } from "../output/text.ts";
import { examples, joinLines, type Program } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget, type Target } from "../target.ts";
import { commandsPerHour, frameOf } from "../top/frame.ts";
import { waitBeforeLook } from "../top/interval.ts";
import { type Look, Looks } from "../top/looks.ts";
import { Screen } from "../top/screen.ts";
import { UsageError } from "../usage-error.ts";

const DESCRIPTION = `Shows all queues, running jobs and what broke last, live on the whole terminal, until Ctrl-C.

It looks every 5 seconds while something changes, and less often while nothing does, at least every minute and a half. It says what
that costs: 2 commands a queue if nothing has happened since the look before, else 7, in a large queue up to 17. The running jobs of
a queue cost up to 5 more, and its failures, read after a job has died, about 12.

Without a terminal it shows one look. With --json it prints one JSON document a look, each on a line, until Ctrl-C.`;

const USUAL_MS = 5_000;
const LEAST_MS = 1_000;

/** `queue:top`: a live view of all queues. */
export function addTop(program: Program, session: Session): void {
  program
    .command("queue:top")
    .summary("watch all queues live")
    .description(joinLines(DESCRIPTION))
    .option("--every <duration>", "how often to look while something changes (default: 5s)", duration)
    .option("--once", "look once, and exit")
    .addHelpText(
      "after",
      examples(
        ["tidegate queue:top", "watch all queues"],
        ["tidegate queue:top --queue bulk --every 30s", "watch one, for less"],
        ["tidegate queue:top --once --json", "one look, for a script"],
      ),
    )
    .action(async ({ every = USUAL_MS, once }) => {
      if (every < LEAST_MS) throw new UsageError("--every must be at least 1s.", "Each look costs commands.");
      const globals = program.opts();
      const target = await openTarget(session, globals);
      const looks = new Looks(target, session, globals.queue !== undefined);
      if (once || (!session.isJson && session.width === undefined)) return showOnce(target, looks, session);
      await session.io.untilInterrupted((signal) => watch(target, looks, every, session, signal));
    });
}

async function showOnce(target: Target, looks: Looks, session: Session): Promise<void> {
  const look = await looks.next();
  session.print(look, () => frameOf(titleOf(target, look), look, {}, session));
}

async function watch(
  target: Target,
  looks: Looks,
  everyMs: number,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  const { clock = systemClock, stdout } = session.io;
  const interrupted = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
  const screen = session.isJson ? undefined : new Screen(stdout);
  let last: Look | undefined;
  let quiet = 0;
  let failures = 0;
  try {
    while (!signal.aborted) {
      // Ctrl-C need not wait for an answer.
      const look = await Promise.race([looks.next().catch((error: unknown) => passing(error, last)), interrupted]);
      if (look === undefined) return;
      const isFailure = typeof look === "string";
      failures = isFailure ? failures + 1 : 0;
      if (!isFailure) {
        quiet = last && isSame(last, look) ? quiet + 1 : 0;
        last = look;
      }
      const shown = last as Look;
      const waitMs = waitBeforeLook(everyMs, isFailure ? failures : quiet, shown.queues, clock());
      if (screen) {
        const going = { everyMs: waitMs, failure: isFailure ? look : undefined };
        screen.show(frameOf(titleOf(target, shown), shown, going, session));
      } else if (!isFailure) session.print({ ...look, commandsPerHour: commandsPerHour(look, waitMs) }, () => "");
      await sleep(clock, waitMs, signal);
    }
  } finally {
    screen?.close();
  }
}

/** A failure that may pass: its message. @throws all others, and the first */
function passing(error: unknown, last: Look | undefined): string {
  if (last && isTidegateError(error) && error.code === "store_unavailable") return error.message;
  throw error;
}

/** Whether nothing has happened between two looks. Time alone changes some figures. */
function isSame(one: Look, other: Look): boolean {
  const still = ({ queues }: Look) =>
    JSON.stringify(queues.map(({ queue, stats }) => ({ queue, ...stats, oldestReadyAgeMs: null })));
  return still(one) === still(other);
}

function titleOf({ label, place }: Target, { queues }: Look): string {
  return queues.length === 1 ? label : `${counted(queues.length, "queue")} ${place}`;
}
