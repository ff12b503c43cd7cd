import { examples, type Program } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget } from "../target.ts";

/** `queue:pause`: stops drains from starting jobs. */
export function addPause(program: Program, session: Session): void {
  program
    .command("queue:pause")
    .summary("pause the queue until queue:resume")
    .description(
      "Stops every drain from starting jobs and firing schedules. Running jobs continue, and you can still enqueue.",
    )
    .addHelpText("after", examples(["tidegate queue:pause --queue bulk", "pause one queue"]))
    .action(async () => {
      const { queue, label, command } = await openTarget(session, program.opts());
      await queue.pause();
      session.print({ paused: true }, () => `${label} is paused. Resume with: ${command("queue:resume")}`);
    });
}

/** `queue:resume`: resumes a paused queue. */
export function addResume(program: Program, session: Session): void {
  program
    .command("queue:resume")
    .summary("resume a paused queue")
    .description("Lets drains start jobs again. The next drain runs what became due in the meantime.")
    .addHelpText("after", examples(["tidegate queue:resume --queue bulk", "resume one queue"]))
    .action(async () => {
      const { queue, label } = await openTarget(session, program.opts());
      await queue.resume();
      session.print({ paused: false }, () => `${label} resumes with the next drain.`);
    });
}
