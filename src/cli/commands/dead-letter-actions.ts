import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { DeadSelection } from "../../core/manage/selection.ts";
import { notFound } from "../../core/shared/errors.ts";
import { type ChangeOptions, changeJobs } from "../change-jobs.ts";
import { type DeadLetterAction, deadLetterChange, newestDead, readSelection } from "../dead-letter.ts";
import { findIds } from "../find-job.ts";
import { duration, failureGroup, json, whole } from "../option-values.ts";
import { counted } from "../output/text.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { openTarget, type Target } from "../target.ts";
import { UsageError } from "../usage-error.ts";

export function addRetry(group: CommandUnknownOpts, session: Session): void {
  const command = addCommand(
    group,
    "retry",
    "retry dead jobs now, with all their retries",
    "Makes dead jobs due now, or over a time, with all their retries. On a terminal it asks before it retries several.",
    [`tidegate queue:dlq retry 0197a2c4-... --payload '{"to":"ada@example.com"}'`, "with a corrected payload"],
    ["tidegate queue:dlq retry --all --over 10m", "spread over ten minutes"],
    ["tidegate queue:dlq retry --name send_email --first 10", "the ten newest, to see whether they succeed now"],
    ["tidegate queue:dlq retry --all --dry-run", "only count them"],
  );
  selecting(command)
    .option("--first <count>", "only the newest so many of --name, --group or --all", whole(1, 1_000))
    .option("--payload <json>", "replaces the stored payload; - reads it from standard input")
    .option("--over <duration>", "spreads them evenly over this time, such as 10m", duration)
    .action((ids, { payload: text, over, ...options }) =>
      change(ids, options, session, async () => {
        if (text === undefined || options.dryRun) return { verb: "retry", over };
        return { verb: "retry", over, payload: await json(text, "The payload", session.io) };
      }),
    );
}

export function addRemove(group: CommandUnknownOpts, session: Session): void {
  const command = addCommand(
    group,
    "remove",
    "remove dead jobs for good, after confirmation",
    "Removes dead jobs for good, after confirmation.",
    ["tidegate queue:dlq remove --name old_job --yes", "all of one type, without a question"],
  );
  selecting(command).action((ids, options) => change(ids, options, session, async () => ({ verb: "remove" })));
}

function selecting(command: ReturnType<typeof addCommand>) {
  return command
    .argument("[ids...]", "the ids of the jobs")
    .option("--name <name>", "all jobs of this type")
    .option("--group <group>", "all jobs of this group of queue:failures", failureGroup)
    .option("--all", "all dead jobs")
    .option("--dry-run", "only count the jobs")
    .option("--yes", "do not ask for confirmation");
}

async function change(
  ids: readonly string[],
  { dryRun, yes, first, ...options }: ChangeOptions & Parameters<typeof readSelection>[1] & { readonly first?: number },
  session: Session,
  readAction: () => Promise<DeadLetterAction>,
): Promise<void> {
  const given = readSelection(ids, options);
  if (first !== undefined && "ids" in given)
    throw new UsageError("--first is for --name, --group or --all.", "Give the ids alone, or leave them out.");
  const target = await openTarget(session);
  const selection =
    "ids" in given
      ? { ids: await findIds(target, given.ids, ["dead"], session) }
      : first === undefined
        ? given
        : { ids: await newestDead(target.queue, given, first) };
  const action = await readAction();
  // Retrying jobs by id needs no question.
  const isSure = yes || (action.verb === "retry" && "ids" in selection ? true : undefined);
  const done = await changeJobs(
    target.label,
    deadLetterChange(target, action, selection, session),
    { dryRun, yes: isSure },
    session,
  );
  if (done !== undefined) checkAllFound(target, selection, done);
}

/** @throws {TidegateError} `not_found` if some ids are not of dead jobs. The others have been changed. */
function checkAllFound({ command }: Target, selection: DeadSelection, done: number): void {
  if (!("ids" in selection) || done === selection.ids.length) return;
  const missing = selection.ids.length - done;
  const wanted = counted(selection.ids.length, "id");
  throw notFound(
    `${missing} of ${wanted} ${missing === 1 ? "was" : "were"} not in the dead-letter queue. See: ${command("queue:dlq")}`,
  );
}
