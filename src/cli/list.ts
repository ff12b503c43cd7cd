import { read } from "../client/transport.ts";
import type { FlowControlKey } from "../core/flow/flow-key.ts";
import type { QueueStats } from "../core/manage/stats.ts";
import type { QueueList } from "../core/queue/queues.ts";
import { openTarget, refuseUnknownQueue, type Target } from "./connect.ts";
import { factsText, listText, type Pause, pauseText } from "./output/cells.ts";
import { printable, quoted } from "./output/text.ts";
import { described, type Stub } from "./program.ts";
import type { Session } from "./session.ts";

const DESCRIPTION = `Shows every queue that the handler or the module serves: whether it grows, with how many jobs fell due and how many
left per minute, its jobs by state, and when something is due next. The last line sums up all queues.
With --queue, or if there is only one, shows that queue, with totals so far. queue:types shows the job types.`;

const QUEUES =
  "queue outlook ready=stats.readyCount scheduled=stats.scheduledCount running=stats.runningCount dead=stats.deadLetterCount next=due";
const COUNTS =
  "ready=readyCount oldest-ready=oldestReadyAgeMs scheduled=scheduledCount running=runningCount completed=completedCount dead=deadLetterCount pace next=nextRunAt totalEnqueued totalProcessed totalFailed totalRetried totalExpired";

export function defineList(command: Stub, session: Session): void {
  described(command, DESCRIPTION, [
    "tidegate queue:list --queue bulk --json | jq .deadLetterCount",
    "one number, for a script",
  ]).action(async () => {
    const target = await openTarget(session);
    const isOne = session.globals.queue !== undefined || target.local?.database !== undefined;
    const list = isOne ? undefined : await read<QueueList>("queues", target.sendTo()("GET", "/queues"));
    if (!list?.total) return showQueue(target, session);
    const { queues, total } = list;
    // The next of all could be of a paused queue. What grows and what shrinks have no outlook in common.
    const pace = { ...total.stats.pace, emptyInMs: 0 };
    const last = { ...total, stats: { ...total.stats, pace, nextRunAt: null, paused: false } };
    session.print({ queues, total: total.stats }, () => listText([...queues, last] as never, QUEUES, session));
  });
}

async function showQueue(target: Target, session: Session): Promise<void> {
  const { send, label, command } = target;
  const stats = await read<QueueStats>("paused", send("GET", "/stats"));
  if (stats.totalEnqueued === 0) await refuseUnknownQueue(target, session);
  session.print(stats, () =>
    [
      session.colors.bold(label),
      ...pauseLines(stats, command, session),
      factsText(stats as never, COUNTS, session),
    ].join("\n\n"),
  );
}

/** What is paused in a queue may be some of these keys too. */
type Held = QueueStats & { readonly keys?: readonly FlowControlKey[] };

export function pauseLines(held: Held, command: Target["command"], { now, colors }: Session): string[] {
  const lines = pausesOf(held, now).map(({ text, resume }) => `${text} Resume with: ${command(resume)}`);
  return lines.map((line) => colors.yellow(printable(line)));
}

/** What is paused, by whom, when and why, and the command that resumes it. */
export function pausesOf({ paused, pausedJobs, keys = [], ...queue }: Held, now: number) {
  const say = (what: string, of: Pause) => `${what} was paused${pauseText(of, now)}.`;
  const held = keys.filter((key) => key.paused);
  return [
    ...(paused ? [{ text: say("The queue", queue), resume: "queue:resume" }] : []),
    ...pausedJobs.map((of) => ({ text: say(of.name, of), resume: `queue:types resume ${quoted(of.name)}` })),
    ...held.map((of) => ({ text: say(`The key ${of.key}`, of), resume: `queue:flow resume ${quoted(of.key)}` })),
  ];
}
