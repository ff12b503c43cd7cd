import { part, query, read, type Send } from "../client/transport.ts";
import { notFound } from "../core/shared/errors.ts";
import type { JobState } from "../core/store/store.ts";
import { queueNames, type Target } from "./connect.ts";
import type { Row } from "./output/cells.ts";
import { count, printable } from "./output/text.ts";
import type { Session } from "./session.ts";
import { UsageError } from "./usage-error.ts";

const getJob = (send: Send, id: string) => read<Row | null>("id", send("GET", `/jobs${part(id)}`), true);

/**
 * Finds a job by its id, or by the short id of a table, in whichever queue it is, and what sends requests about that.
 *
 * @throws {TidegateError} `not_found`; {UsageError} if a short id is ambiguous
 */
export async function findJob(
  to: Target,
  text: string,
  states: readonly JobState[],
  session: Session,
): Promise<{ readonly job: Row; readonly send: Send }> {
  const isMeant = (job: Row | null): job is Row => job !== null && states.includes(job["state"] as JobState);
  const [id = text] = await findIds(to, [text], states, session);
  const here = await getJob(to.send, id);
  if (isMeant(here)) return { job: here, send: to.send };
  // A token that may not list queues still gets the error of the one that it asked.
  const names = await queueNames(to).catch(() => []);
  for (const name of names.length > 1 ? names : []) {
    const send = to.sendTo(name);
    const job = await getJob(send, id);
    if (!isMeant(job)) continue;
    session.note(`Found in the queue ${printable(name)}.`);
    return { job, send };
  }
  if (states.length === 1) throw notFound(`No ${states[0]} job has this id. See: ${to.command("queue:dlq")}`);
  const searched = names.length > 1 ? names.map(printable).join(", ") : to.label;
  throw notFound(
    `No job's id is this, or ends with it. Completed jobs are kept only for a queue's retention. Searched: ${searched}.`,
  );
}

/** Expands ids that a table has shortened. Whole ids need no request. @throws {UsageError} if one is ambiguous */
export async function findIds(
  { send }: Target,
  texts: readonly string[],
  states: readonly JobState[],
  session: Session,
): Promise<readonly string[]> {
  const expand = async (text: string) => {
    if (!/^[0-9a-f]{8}$|.…$/.test(text) || (await getJob(send, text))) return text;
    const line = session.liveLine();
    line.show(`Looking for ${text} among the latest jobs ...`);
    const searches = states.map((state) =>
      read<{ jobs: readonly { id: string }[] }>(
        "jobs",
        send("GET", `/jobs${query({ search: text, in: "id", state })}`),
      ),
    );
    const found = (await Promise.all(searches).finally(() => line.clear())).flatMap(({ jobs }) => jobs);
    if (found.length > 1)
      throw new UsageError(
        `"${printable(text)}" is ambiguous: ${count(found.length)} matches.`,
        "Give the whole id. --wide shows it.",
      );
    return found[0]?.id ?? text;
  };
  return Promise.all(texts.map(expand));
}
