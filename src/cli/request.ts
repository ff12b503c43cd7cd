import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Send } from "../client/transport.ts";
import { isTidegateError, TidegateError } from "../core/shared/errors.ts";
import { inFlags, readJson, takesJson, timeBefore } from "./fields.ts";
import type { Row } from "./output/cells.ts";
import type { Plan } from "./plan.ts";
import { UsageError } from "./program.ts";
import type { Session } from "./session.ts";

export interface Typed {
  readonly fields: Record<string, unknown>;
  /** The id or the key in the path. */
  readonly target: string;
  /** The options of the command, those that are of no field too. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a command sends to a queue, and how it says what has come of it. Its ids are whole. */
export interface Call extends Typed {
  /** The queue, as a question or a sentence begins with it. */
  readonly label: string;
  send(fields: object, from?: Send): Promise<Row>;
  fill(text: string, answer: Row): string;
  add(answer: Row): void;
}

/** What has come of a command in one queue. */
export interface Outcome {
  /** Whether nothing there matched: another queue may have it. */
  readonly isNothing?: boolean;
  /** The only row of a list, unprinted, if the command opens it. */
  readonly only?: Row;
}

/** How many items a list shows, and how many it reads at a time with --all. */
export const PAGE = 50;
const MOST = 1_000;
/** How many jobs of each state a short list shows, so that it fits a screen. It counts more, if it is since a time. */
export const SHOWN_OF_EACH = 5;
export const MOST_COUNTED = 100;

/** Makes a request of what the user has typed. @throws {UsageError} before anything is sent */
export async function requestOf(plan: Plan, command: CommandUnknownOpts, session: Session): Promise<Typed> {
  const { route, isInQuery } = plan;
  const options = command.opts() as Typed["options"];
  const fields: Record<string, unknown> = { ...plan.sends };
  let target = "";
  const values = [
    ...plan.args.map(({ field }, index) => [field, command.processedArgs[index]] as const),
    ...plan.options.map((field) => [field, options[camel(field.flag)]] as const),
  ];
  for (const [field, value] of values) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    if (field.path.length === 0) target = String(value);
    else put(fields, field.path, takesJson(field) ? await readJson(String(value), field.flag, session.io) : value);
  }
  const isBare = givenIn(command).every((name) => ["name", "since", "wide"].includes(name));
  if (plan.options.some(({ flag }) => flag === "each") && !session.isJson && isBare)
    fields["each"] = fields["since"] === undefined ? SHOWN_OF_EACH : MOST_COUNTED;
  else if (plan.hasPages && fields["search"] === undefined && fields["each"] === undefined)
    fields["limit"] ??= options["all"] ? MOST : PAGE;
  // A handler searches jobs of every name. Those of one are chosen here.
  if (fields["search"] !== undefined) delete fields["name"];
  // A change can take several requests.
  if (!isInQuery && typeof fields["since"] === "string") fields["since"] = timeBefore(fields["since"]);
  const { parent } = options;
  if (parent && fields["ids"]) throw new UsageError("Give either ids or --parent.");
  // A handler takes no parent, but the ids of its dead children: these are read once the queue is known.
  const checked = parent ? { ...fields, ids: [parent] } : fields;
  await withFlags(plan, async () => (isInQuery ? route.query : route.body)?.read(checked, ""));
  return { fields, target, options };
}

/** The id that a command names alone. */
export function onlyId({ ids }: Typed["fields"]): string | undefined {
  const [id, other] = (ids ?? []) as readonly string[];
  return other === undefined ? id : undefined;
}

/** The options of a command that the user has given. */
export const givenIn = (command: CommandUnknownOpts): readonly string[] =>
  Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === "cli");

/** Calls what refuses fields, and names these as the user has typed them. */
export async function withFlags<Result>(plan: Plan, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (!isTidegateError(error) || error.code !== "invalid_request") throw error;
    throw new TidegateError(error.code, inFlags(error.message, plan.options, plan.extras));
  }
}

function put(fields: Typed["fields"], [name = "", inside]: readonly string[], value: unknown): void {
  fields[name] = inside === undefined ? value : { ...Object(fields[name]), [inside]: value };
}

const camel = (flag: string) => flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
