import { part, query, read, type Send } from "../client/transport.ts";
import type { JobState } from "../core/store/store.ts";
import { queueNames, type Target } from "./connect.ts";
import type { Row } from "./output/cells.ts";
import { count, printable, quoted } from "./output/text.ts";
import { UsageError } from "./program.ts";
import type { Session } from "./session.ts";

/** Looks in the other queues, if the token may list them. Returns the first that has it, and a hint at all that do. */
export async function lookElsewhere(to: Target, { globals }: Session, look: (send: Send) => Promise<unknown>) {
  const names = await queueNames(to).catch(() => []);
  const others = names.filter((name) => name !== (globals.queue ?? names[0]));
  const found = await Promise.all(others.map((name) => look(to.sendTo(name)).catch(() => undefined)));
  const matching = others.filter((_, index) => found[index]);
  const flags = matching.map((name) => `--queue ${quoted(printable(name))}`).join(" or ");
  const searched = others[0] ? `No match in other queues either: ${others.map(printable).join(", ")}.` : "";
  const queues = matching.map(printable).join(" and ");
  return { name: matching[0], queues, flags, hint: flags ? `Another queue has a match: add ${flags}.` : searched };
}

const getJob = (send: Send, id: string) => read<Row | null>("id", send("GET", `/jobs${part(id)}`), true);

/** The job of an id, or of the short id of a table, if it is in one of these states. @throws as `findIds` */
export async function findJob(send: Send, text: string, states: readonly JobState[]) {
  const [id = text] = (await findIds(send, [text], states)) ?? [];
  const job = await getJob(send, id);
  return job && states.includes(job["state"] as JobState) ? job : null;
}

/** Expands the ids of a request that a table has shortened; whole ones need none. @throws {UsageError} if ambiguous */
export async function findIds(send: Send, texts: unknown, states: readonly JobState[]) {
  const expand = async (text: string) => {
    if (!/^[0-9a-f]{8}$|.…$/.test(text) || (await getJob(send, text))) return text;
    const search = (state: JobState) => send("GET", `/jobs${query({ search: text, in: "id", state })}`);
    const searches = states.map((state) => read<{ jobs: readonly { id: string }[] }>("jobs", search(state)));
    const found = (await Promise.all(searches)).flatMap(({ jobs }) => jobs);
    if (found.length > 1)
      throw new UsageError(
        `"${printable(text)}" is ambiguous: ${count(found.length)} matches.`,
        "Give the whole id. --wide shows it.",
      );
    return found[0]?.id ?? text;
  };
  return Array.isArray(texts) ? Promise.all(texts.map(expand)) : undefined;
}
