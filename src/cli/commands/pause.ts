import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget } from "../target.ts";

export function addPause(session: Session): void {
  addCommand(
    session.program,
    "queue:pause",
    "pause the queue until queue:resume",
    "Stops every drain from starting jobs and firing schedules. Running jobs continue, and you can still enqueue.",
    ["tidegate queue:pause --queue bulk", "pause one queue"],
  ).action(async () => {
    const { queue, label, command } = await openTarget(session);
    await queue.pause();
    session.print({ paused: true }, () => `${label} is paused. Resume with: ${command("queue:resume")}`);
  });
}

export function addResume(session: Session): void {
  addCommand(
    session.program,
    "queue:resume",
    "resume a paused queue",
    "Lets drains start jobs again. The next drain runs what became due in the meantime.",
    ["tidegate queue:resume --queue bulk", "resume one queue"],
  ).action(async () => {
    const { queue, label } = await openTarget(session);
    await queue.resume();
    session.print({ paused: false }, () => `${label} resumes with the next drain.`);
  });
}
