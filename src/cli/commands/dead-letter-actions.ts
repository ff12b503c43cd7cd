import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { DeadSelection } from "../../core/manage/dead-letter.ts";
import { notFound } from "../../core/shared/errors.ts";
import { applyToDeadJobs, countDead, describeSelection, readSelection } from "../dead-letter.ts";
import { findIds } from "../find-job.ts";
import { failureGroup, json } from "../option-values.ts";
import { counted } from "../output/text.ts";
import { examples, type Program } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget, type Target } from "../target.ts";

/** `queue:dlq retry`: retries dead jobs. */
export function addRetry(group: CommandUnknownOpts, program: Program, session: Session): void {
  group
    .command("retry")
    .summary("retry dead jobs now, with all their retries")
    .description("Makes dead jobs due now, with all their retries. On a terminal it asks before it retries several.")
    .argument("[ids...]", "the ids of the jobs")
    .option("--name <name>", "all of this name")
    .option("--group <group>", "all of this group of queue:failures", failureGroup)
    .option("--all", "all there are")
    .option("--payload <json>", "replaces the stored payload; - reads it from standard input")
    .option("--dry-run", "only show how many jobs it would affect")
    .option("--yes", "do not ask for confirmation")
    .addHelpText(
      "after",
      examples(
        [`tidegate queue:dlq retry 0197a2c4-... --payload '{"to":"ada@example.com"}'`, "with a corrected payload"],
        ["tidegate queue:dlq retry --all --dry-run", "how many there are"],
      ),
    )
    .action(async (ids, { payload: text, dryRun, yes, ...options }) => {
      const given = readSelection(ids, options);
      const target = await openTarget(session, program.opts());
      const selection = await withWholeIds(target, given, session);
      if (dryRun) return printDryRun("retried", target, selection, session);
      const payload = await json(text, "The payload", session.io);
      // Retrying loses nothing, so without a terminal it needs no confirmation.
      const isSure = "ids" in selection || yes || !session.canAsk;
      const action = { verb: "retry", ...(text !== undefined && { payload }) } as const;
      const isWanted = isSure || (await session.ask(() => question("retry", target, selection)));
      const retried = isWanted ? await applyToDeadJobs(target, action, selection, session) : 0;
      session.print({ retried }, () => (retried > 0 ? `Retried ${counted(retried, "dead job")}.` : NOTHING));
      checkAllFound(target, selection, retried);
    });
}

/** `queue:dlq remove`: removes dead jobs for good. */
export function addRemove(group: CommandUnknownOpts, program: Program, session: Session): void {
  group
    .command("remove")
    .summary("remove dead jobs for good, after confirmation")
    .description("Removes dead jobs for good, after confirmation.")
    .argument("[ids...]", "the ids of the jobs")
    .option("--name <name>", "all of this name")
    .option("--group <group>", "all of this group of queue:failures", failureGroup)
    .option("--all", "all there are")
    .option("--dry-run", "only show how many jobs it would affect")
    .option("--yes", "do not ask for confirmation")
    .addHelpText("after", examples(["tidegate queue:dlq remove --name old_job --yes", "all of one name, at once"]))
    .action(async (ids, { dryRun, yes, ...options }) => {
      const given = readSelection(ids, options);
      const target = await openTarget(session, program.opts());
      const selection = await withWholeIds(target, given, session);
      if (dryRun) return printDryRun("removed", target, selection, session);
      const isWanted = await session.confirm(() => question("remove for good", target, selection), yes);
      const removed = isWanted ? await applyToDeadJobs(target, { verb: "remove" }, selection, session) : 0;
      session.print({ removed }, () => (removed > 0 ? `Removed ${counted(removed, "dead job")}.` : NOTHING));
      checkAllFound(target, selection, removed);
    });
}

async function withWholeIds(target: Target, selection: DeadSelection, session: Session): Promise<DeadSelection> {
  return "ids" in selection ? { ids: await findIds(target, selection.ids, ["dead"], session) } : selection;
}

async function printDryRun(
  done: "retried" | "removed",
  target: Target,
  selection: DeadSelection,
  session: Session,
): Promise<void> {
  const size = await countDead(target, selection);
  session.print({ [done]: size, dryRun: true }, () => `${counted(size, "dead job")} would be ${done}.`);
}

const NOTHING = "No matching dead jobs.";

async function question(verb: string, target: Target, selection: DeadSelection): Promise<string | undefined> {
  const size = await countDead(target, selection);
  return size > 0 ? `${target.label}: ${verb} ${describeSelection(selection, size)}?` : undefined;
}

/** @throws {TidegateError} `not_found` if some ids were not in the dead letter. The others have been changed. */
function checkAllFound({ command }: Target, selection: DeadSelection, done: number): void {
  if (!("ids" in selection) || done === selection.ids.length) return;
  const missing = selection.ids.length - done;
  const wanted = counted(selection.ids.length, "id");
  throw notFound(
    `Of ${wanted}, ${missing} ${missing === 1 ? "was" : "were"} not in the dead letter. See: ${command("queue:dlq")}`,
  );
}
