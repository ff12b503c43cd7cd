import { examples, type Program } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget } from "../target.ts";

/** `queue:pause`: keeps every drain from starting jobs. */
export function addPause(program: Program, session: Session): void {
  program
    .command("queue:pause")
    .summary("start no more jobs until queue:resume")
    .description(
      "Keeps every drain from starting jobs and firing schedules. Jobs that run go on; jobs can still be enqueued.",
    )
    .addHelpText("after", examples(["tidegate queue:pause --queue bulk", "hold back one queue"]))
    .action(async () => {
      const { queue, label, command } = await openTarget(session, program.opts());
      await queue.pause();
      session.print({ paused: true }, () => `${label} is paused. Go on with: ${command("queue:resume")}`);
    });
}

/** `queue:resume`: lets a paused queue go on. */
export function addResume(program: Program, session: Session): void {
  program
    .command("queue:resume")
    .summary("let a paused queue go on")
    .description("Lets drains start jobs again. What fell due meanwhile is worked on by the next one.")
    .addHelpText("after", examples(["tidegate queue:resume --queue bulk", "let one queue go on"]))
    .action(async () => {
      const { queue, label } = await openTarget(session, program.opts());
      await queue.resume();
      session.print({ paused: false }, () => `${label} goes on with the next drain.`);
    });
}
