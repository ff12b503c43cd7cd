import type { OperationName } from "../contract/operations.ts";
import type { Fields } from "../core/shared/schema.ts";
import { type JobState, jobStates } from "../core/store/store.ts";
import { scopesOf } from "../http/auth.ts";
import { newJob, pathParts, recurringJob } from "../http/contract/requests.ts";
import { routes } from "../http/routes/index.ts";
import type { Route } from "../http/routes/route.ts";
import { type Command, commands } from "./commands.ts";
import { type Field, fieldsOf } from "./fields.ts";

/** A command with what its route knows of it. */
export type Plan = ReturnType<typeof planOf>;

/** A plan for each command, in the order of the help. */
export const plans: () => readonly Plan[] = () =>
  Object.entries<string | Command | readonly Command[]>(commands).flatMap(([operation, rows]) =>
    typeof rows === "string" ? [] : [rows].flat().map((command) => planOf(operation as OperationName, command)),
  );

/** The fields of a command whose route takes one of several kinds of request. */
const taken: { readonly [Name in OperationName]?: Fields } = {
  enqueueJob: { ...newJob.fields, ...recurringJob.fields, id: newJob.fields.id },
};

function planOf(operation: OperationName, command: Command) {
  const { words, asks, shows, none, noun, flags, sends = {} } = command;
  const route = routes.find((each) => each.operation === operation) as Route;
  const isInQuery = route.method === "GET" || route.method === "DELETE";
  const schema = (isInQuery ? route.query : route.body) as { readonly fields?: Fields } | undefined;
  const fields = fieldsOf(taken[operation] ?? schema?.fields ?? {}, flags);
  const [first = "", ...rest] = words.split(" ");
  const name = rest.find((word) => /^\w/.test(word));
  const args = rest.filter((word) => word !== name).map((word) => ({ word, field: fieldFor(word, fields, route) }));
  const hasPages = route.method === "GET" && schema?.fields?.["cursor"] !== undefined;
  const isMerged = shows !== undefined && none !== undefined && !route.path.includes(":");
  return {
    ...command,
    ...{ operation, route, isInQuery, args, hasPages },
    /** The command above it: "queue:dlq" of "queue:dlq retry". */
    group: name && first,
    name: name ?? first,
    verb: name ?? first.replace("queue:", ""),
    /** The fields that are options. */
    options: fields.filter(
      (each) =>
        !args.some(({ field }) => field === each) &&
        !((each.path[0] ?? "") in sends) &&
        (each.flag !== "cursor" || hasPages),
    ),
    /** Options that are of no field, by what they mean. */
    extras: {
      ...(hasPages && { all: "read all pages" }),
      ...(isMerged && hasPages && { wide: "full ids and errors, one line each" }),
      ...(asks && { yes: "do not ask for confirmation" }),
      ...command.extras,
    },
    kind: kindOf(operation, command),
    /** Whether it shows the rows of all queues. */
    isMerged,
    /** Whether a request can change a part of the jobs that the user has been asked about. */
    hasPieces: asks !== undefined && noun !== undefined && schema?.fields?.["limit"] !== undefined,
    /** The states in which it looks for a short id. */
    states: first === "queue:dlq" ? (["dead"] satisfies JobState[]) : jobStates,
    /** A field that each answer has; "" if it is empty. That of a change of many counts them. */
    answer: String(Object.values(route.responses).flatMap(({ json }) => json?.["required"] ?? [])[0] ?? ""),
  };
}

/** Whether a command shows a job, or rows, changes many jobs, or does or shows one thing. */
function kindOf(operation: OperationName, { noun, shows, none }: Command): "job" | "rows" | "many" | "one" {
  if (operation === "getJob") return "job";
  if (noun !== undefined) return "many";
  return shows !== undefined && none !== undefined ? "rows" : "one";
}

/** The field that an argument sets: "<key>" that in the path, "[payload]" one of the request. */
function fieldFor(word: string, fields: readonly Field[], { key, path }: Route): Field {
  const flag = word.replace(/\W/g, "");
  const schema = key ?? pathParts[flag as keyof typeof pathParts];
  if (path.includes(`:${flag}`)) return { path: [], flag, schema };
  return fields.find((field) => field.path.join() === flag) as Field;
}

/** The beginning of a command's help: what it does, and which token it needs. */
export function helpOf({ about, does, route }: Plan): string {
  const text = about ?? route.notes ?? `${does.charAt(0).toUpperCase()}${does.slice(1)}.`;
  const scopes = new Intl.ListFormat("en-GB", { type: "disjunction" }).format(scopesOf(route));
  return `${text}\n\nWith a handler, the token needs the scope ${scopes}.`;
}
