import { text as allOf } from "node:stream/consumers";
import { Argument, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { type Duration, durationMs } from "../core/shared/duration.ts";
import { isTidegateError } from "../core/shared/errors.ts";
import { type Fields, type JsonSchema, type ObjectSchema, type Schema, span, whole } from "../core/shared/schema.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./program.ts";

// Options and arguments, from the schemas of requests: these also read what the user has typed.

export interface Field {
  /** Where it is in the request: ["dedupe", "key"]. Empty for the id or the key in the path. */
  readonly path: readonly string[];
  readonly schema: Schema;
  /** How people write it: "dedupe-key". */
  readonly flag: string;
}

/** By options, and arguments that mean something else than the option of their name. */
const meanings: Readonly<Record<string, string>> = {
  "<id>": "the job's id, or the short id of a list",
  "<name>": "the job's name",
  all: "all of them",
  "backoff-base": "the wait before the first retry",
  "backoff-jitter": "vary each wait by this share in both directions, from 0 to 1",
  "backoff-max": "the longest wait between retries",
  "backoff-type": "how the time between retries grows",
  concurrency: "how many of the key's jobs may run at once",
  data: "the data for the jobs as JSON; - reads it from standard input",
  "dedupe-key": "enqueue nothing if a job had this key ...",
  "dedupe-replace": "... but change that job instead, until its first attempt",
  "dedupe-ttl": "... within this time of the first",
  delay: "after this time: 30s, 5m, 1h, 7d",
  event: "the event that the jobs wait for",
  every: "at each multiple of this interval since 1970, such as 90s",
  expires: "drop the job if it has not started this long after its run time",
  first: "only this many, newest first",
  "flow-control-key": "run jobs of one key within limits",
  group: "jobs of this group of queue:failures",
  id: "do nothing if this id is already taken",
  ids: "the jobs' ids, or the short ids of a list",
  job: "the job that it enqueues",
  limit: "how many",
  "max-retries": "how many attempts may follow the first",
  missed: "what to do with missed occurrences",
  name: "only jobs of this type",
  ordered: "run the key's jobs one at a time, in the order of enqueuing",
  over: "spread them evenly over this time, such as 10m",
  overlap: "whether it fires while its last job runs",
  payload: "the payload as JSON; - reads it from standard input",
  period: "... in this time",
  rate: "how many of the key's jobs may start ...",
  "run-at": "at this time, such as 2030-01-31T09:00:00Z",
  since: "only what is newer: 30m, 1h, 7d, or a time such as 2030-01-31T09:00:00Z",
  state: "jobs in this state",
  "time-zone": "the time zone of --cron, such as Europe/Paris (default: UTC)",
  timeout: "how long one attempt may take",
};

/** Lists the fields of a request, those of an object in it each for itself. @param names flags by their fields */
export function fieldsOf(
  fields: Fields,
  names: Readonly<Record<string, string>> = {},
  inside: readonly string[] = [],
): Field[] {
  return Object.entries(fields).flatMap(([name, schema]): Field | Field[] => {
    const path = [...inside, name];
    if (schema.json["type"] === "object" && "fields" in schema)
      return fieldsOf((schema as ObjectSchema<unknown>).fields, names, path);
    return { path, schema, flag: names[name] ?? path.map(kebab).join("-") };
  });
}

export function optionOf({ flag, schema }: Field, fallback?: unknown): Option {
  const { json } = schema;
  const isFlag = json["type"] === "boolean" || json["const"] === true;
  const option = new Option(`--${flag}${isFlag ? "" : ` <${kindOf(json)}>`}`, meaningOf(flag, json));
  const words = json["enum"] as readonly string[] | undefined;
  if (words) option.choices(words);
  else if (!isFlag) option.argParser((text: string) => readText(schema, flag === "before" ? timeBefore(text) : text));
  if (fallback !== undefined) option.default(fallback);
  return option;
}

/** @param written "<key>" or "[ids...]" */
export function argumentOf(written: string, { flag, schema }: Field): Argument {
  const argument = new Argument(written, meanings[`<${flag}>`] ?? meaningOf(flag, schema.json));
  return written.includes("...") ? argument : argument.argParser((text: string) => readText(schema, text));
}

function meaningOf(flag: string, json: JsonSchema): string {
  const described = (json["description"] as string | undefined)?.replace(/\.$/, "");
  return (
    meanings[flag] ??
    meanings[flag.replace("flow-control-", "")] ??
    described?.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase()) ??
    ""
  );
}

/** "which", "number", "duration", "time", "when", "text" or "json" */
function kindOf(json: JsonSchema): string {
  const { type, anyOf, enum: words, examples = [] } = json as Readonly<Record<string, readonly unknown[] | undefined>>;
  if (words) return "which";
  const isOneOf = (each: unknown) => each === "integer" || each === "number";
  if (isOneOf(type)) return "number";
  if (anyOf?.some((each) => isOneOf(Object(each).type))) {
    const times = examples.filter((each) => /T/.test(String(each))).length;
    return times === 0 ? "duration" : times === examples.length ? "time" : "when";
  }
  return (type as unknown) === "string" ? "text" : "json";
}

/** Reads a value as the handler would. JSON is read later, since it may come from standard input. */
function readText(schema: Schema, text: string): unknown {
  const kind = kindOf(schema.json);
  if (kind === "json") return text;
  const isNumber = kind === "number" || ((kind === "time" || kind === "when") && /^\d+$/.test(text));
  const value = isNumber ? (schema.fromText?.(text) ?? Number(text)) : text;
  try {
    schema.read(value, "It");
    return value;
  } catch (error) {
    // What only code or JSON can give is no help here.
    const of = /, or a number of milliseconds from 0| a Date,/g;
    throw isTidegateError(error) ? new InvalidArgumentError(error.message.replace(of, "")) : error;
  }
}

/** How long ago, as a time: requests that follow each other must mean the same one. */
export function timeBefore(text: string): string {
  const isAge = /^\d+(ms|[smhd])$/.test(text);
  return isAge ? new Date(Date.now() - durationMs(text as Duration, "It")).toISOString() : text;
}

/** Reads a whole number, for an option that is of no field. */
export const wholeNumber = (least: number, most: number) => (text: string) =>
  readText(whole(least, most), text) as number;

/** Reads a duration longer than 0, for such an option, in ms. */
export const milliseconds = (text: string) => durationMs(readText(span, text), "It");

/** Whether what the user has typed for a field is JSON, or "-" for standard input. */
export const takesJson = ({ schema: { json } }: Field): boolean => kindOf(json) === "json" && json["type"] !== "array";

/** Parses JSON from an argument, or from standard input for "-". @throws {UsageError} without the private text. */
export async function readJson(text: string, what: string, { stdin }: Io): Promise<unknown> {
  const source = text === "-" ? await allOf(stdin) : text;
  try {
    return JSON.parse(source);
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    const where = position === undefined ? "" : ` at character ${Number(position) + 1}`;
    const hint =
      text === "-"
        ? "Standard input must contain the JSON and nothing else."
        : `Quote it for the shell, as in '{"to":"ada@example.com"}', or give - and send it to standard input.`;
    throw new UsageError(`The ${what} is not valid JSON${where}.`, hint);
  }
}

/** The same text, with the fields of a request named as the user writes them. */
export function inFlags(text: string, fields: readonly Field[], extras: object): string {
  const [, unknown] = /^Unknown option "(\w+)" in the body\./.exec(text) ?? [];
  const refused = fields.find(({ path }) => path[0] === unknown);
  if (refused) return `--${refused.flag} does not go with the other options.`;
  const renamed = fields.reduce((result, { path, flag }) => {
    const name = path.join(".");
    // A plain word can be a word of the sentence, unless one of these precedes it.
    const before = "(?<=(?:\\b(?:either|or|and|out|for|With|Give)|[,:]) )";
    const pattern = /[A-Z.]/.test(name)
      ? `"?(?<![\\w-])${name.replaceAll(".", "\\.")}\\b"?`
      : `^${name}\\b|"${name}"|flowControl\\.${name}\\b|${before}${name}\\b`;
    return result.replace(new RegExp(pattern, "g"), `--${flag}`);
  }, text);
  const ids = "parent <id>" in extras ? "ids, --parent" : "ids";
  return renamed
    .replace(/^The body must have exactly one of these fields: ids/, `Choose jobs in exactly one way: ${ids}`)
    .replace(/^flowControl\b/, "Flow control");
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
