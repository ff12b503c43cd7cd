import type { SignalResult } from "../../core/manage/signal.ts";
import { duration, json } from "../option-values.ts";
import { counted, printable } from "../output/text.ts";
import { span } from "../output/time.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget } from "../target.ts";

const DAY_MS = 86_400_000;

export function addSignal(session: Session): void {
  addCommand(
    session.program,
    "queue:signal",
    "send a signal to the jobs that wait for it",
    "Wakes every job that waits for this event in job.waitFor, and gives it the data. If none waits, the signal is kept " +
      "for the first that will. With a handler, the token needs the scope signal.",
    [`tidegate queue:signal reply-42 '{"text":"yes"}'`, "the reply that a job waits for"],
    ["tidegate queue:signal paid-7 --id evt_1", "at most once, however often you repeat it"],
    ["tidegate queue:signal approved - --keep 1h < approval.json", "data from a file, kept for an hour"],
  )
    .argument("<event>", "the name that the jobs wait for")
    .argument("[json]", "the data for them; - reads it from standard input (default: null)")
    .option("--id <id>", "do nothing if a signal with this id was sent")
    .option("--keep <duration>", "how long to keep it if no job waits: 0s, 30s, 5m, 1h, 7d", duration, 7 * DAY_MS)
    .action(async (event, text, { id, keep }) => {
      const { queue } = await openTarget(session);
      const data = await json(text, "The data", session.io);
      const result = await queue.signal(event, data, { id, keep });
      session.print(result, () => resultText(result, printable(event), keep));
    });
}

function resultText({ woken, kept }: SignalResult, event: string, keepMs: number): string {
  if (woken > 0) return `Woke ${counted(woken, "job")} that waited for ${event}.`;
  return kept
    ? `No job waits for ${event}. The signal is kept for ${span(keepMs)}, for the first that will.`
    : `No job waits for ${event}. The signal was not kept.`;
}
