import { Option } from "@commander-js/extra-typings";
import { notFound } from "../../core/shared/errors.ts";
import { jobStates } from "../../core/store/store.ts";
import { DELIVERY } from "../../http/qstash-port.ts";
import { findJob } from "../find-job.ts";
import { latestJobs, pageOfJobs } from "../job-lists.ts";
import { messageDetails, messagesTable, shownMessage } from "../output/messages.ts";
import { addPageOptions, noteNextPage } from "../paging.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import { addSince, sinceMs } from "../since.ts";
import { openTarget, refuseUnknownQueue } from "../target.ts";
import { UsageError } from "../usage-error.ts";

const DESCRIPTION = `Lists the messages of QStash's interface: their states, attempts, ages and destinations, in the order of queue:jobs. With an
ID, shows one.

Bodies, headers, passwords in addresses and the values of their queries are left out. queue:jobs ID shows the body. To cancel or
to retry a message, use queue:jobs and queue:dlq: a message is a job.

A message is kept as long as its job: once delivered, for the retention of the queue. So a list is of what is kept.`;

const ofListsAlone = ["state", "limit", "cursor", "all", "since", "wide"] as const;

export function addMessages(session: Session): void {
  const command = addCommand(
    session.program,
    "queue:messages",
    "list messages of QStash's interface, or show one",
    DESCRIPTION,
    ["tidegate queue:messages", "the latest of each state"],
    ["tidegate queue:messages --state dead --since 1d", "undelivered since yesterday"],
    ["tidegate queue:messages 3f9a1c2e", "one message, with its failed attempts"],
  )
    .argument("[id]", "show this message")
    .addOption(new Option("--state <state>", "only messages whose job is in this state").choices(jobStates))
    .option("--wide", "show whole ids and addresses");
  addSince(addPageOptions(command)).action(async (id, { wide, since, ...options }) => {
    const given = ofListsAlone.find((name) => command.getOptionValueSource(name) === "cli");
    if (id !== undefined && given) throw new UsageError(`An ID selects one message, so leave out --${given}.`);
    const listed = { ...options, name: DELIVERY, since: sinceMs(since, session) };
    const target = await openTarget(session);
    if (id !== undefined) {
      const message = shownMessage((await findJob(target, id, session)).job);
      if (!message) throw notFound("The job of this id delivers no message. See queue:jobs.");
      return session.print(message, () => messageDetails(message, session));
    }
    const { state, cursor, all } = options;
    const inPages = session.isJson || all || state !== undefined || cursor !== undefined;
    const page = inPages ? await pageOfJobs(target.queue, listed, session) : await latestJobs(target.queue, listed);
    const messages = page.jobs.flatMap((job) => shownMessage(job) ?? []);
    if (messages.length === 0) await refuseUnknownQueue(target, session);
    const next = "cursor" in page ? page.cursor : null;
    const view = { now: session.now, colors: session.colors, width: wide ? undefined : session.width };
    session.print({ messages, cursor: next }, () =>
      messages.length > 0 ? messagesTable(messages, view) : "No matching messages.",
    );
    if ("more" in page && page.more) session.note("More follow. Add --state STATE, or --all.");
    noteNextPage(next, session);
  });
}
