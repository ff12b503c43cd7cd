import { part, query, read, type Send } from "../client/transport.ts";
import type { JobInfo } from "../core/manage/job-info.ts";
import type { JobPage } from "../core/manage/list.ts";
import type { JobState } from "../core/store/store.ts";
import { count, printable } from "./output/text.ts";
import type { Plan } from "./plan.ts";
import { UsageError } from "./program.ts";
import type { Typed } from "./request.ts";

// How a command finds the jobs that it is about.

export const getJob = (send: Send, id: string) => read<JobInfo | null>("id", send("GET", `/jobs${part(id)}`), true);

/** The job of an id, or of the short id of a table, if it is in one of these states. @throws as `wholeId` */
export async function findJob(send: Send, text: string, states: readonly JobState[]): Promise<JobInfo | null> {
  const job = await getJob(send, await wholeId(send, text, states));
  return job && states.includes(job.state) ? job : null;
}

export const jobsAt = async (send: Send, path: string, fields: object) =>
  (await read<JobPage>("jobs", send("GET", `/jobs${path}${query(fields)}`))).jobs;

export const childrenOf = (id: string, send: Send, fields: object) => jobsAt(send, `${part(id)}/children`, fields);

/** What was typed as a queue takes it: with whole ids, and those of a parent's dead children. @throws as `wholeId` */
export async function withWholeIds({ route, states }: Plan, typed: Typed, send: Send): Promise<Typed> {
  const { fields, target, options } = typed;
  const whole = (text: string) => wholeId(send, text, states);
  const ids = fields["ids"] as readonly string[] | undefined;
  const given =
    options["parent"] === undefined
      ? ids && (await Promise.all(ids.map(whole)))
      : (await childrenOf(String(options["parent"]), send, { state: "dead", limit: 1_000 })).map(({ id }) => id);
  const named = route.path.includes(":id") ? await whole(target) : target;
  return { ...typed, target: named, fields: { ...fields, ids: given } };
}

/** The id that a table has shortened; a whole one stays. @throws {UsageError} if several jobs are meant */
async function wholeId(send: Send, text: string, states: readonly JobState[]): Promise<string> {
  if (!/^[0-9a-f]{8}$|.…$/.test(text) || (await getJob(send, text))) return text;
  const searches = states.map((state) => jobsAt(send, "", { search: text, in: "id", state }));
  const found = (await Promise.all(searches)).flat();
  if (found.length > 1)
    throw new UsageError(
      `"${printable(text)}" is ambiguous: ${count(found.length)} matches.`,
      "Give the whole id. --wide shows it.",
    );
  return found[0]?.id ?? text;
}
