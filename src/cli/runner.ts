import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { part, query, read } from "../client/transport.ts";
import type { QueueFigures } from "../core/manage/figures.ts";
import type { QueueStats } from "../core/manage/stats.ts";
import { isTidegateError, notFound } from "../core/shared/errors.ts";
import { changeMany } from "./bulk.ts";
import { openTarget, suggestedCommand, type Target } from "./connect.ts";
import { argumentOf, optionOf } from "./fields.ts";
import { findIds, findJob } from "./find-job.ts";
import { pauseLines } from "./list.ts";
import { factsText, filled, listText, type Row } from "./output/cells.ts";
import { printable } from "./output/text.ts";
import { helpOf, type Plan, plans } from "./plan.ts";
import { addCommand, didYouMean, subcommandsOf } from "./program.ts";
import { requestOf, type Typed, withFlags } from "./request.ts";
import { showRows } from "./rows.ts";
import type { Session } from "./session.ts";
import { UsageError } from "./usage-error.ts";

export function addOperations(session: Session): void {
  const all = plans();
  for (const plan of all) addOperation(plan, all, session);
}

function addOperation(plan: Plan, all: readonly Plan[], session: Session): void {
  const { name, group, does, groupDoes = does, usually = {}, examples = [] } = plan;
  const program: CommandUnknownOpts = session.program;
  const known = program.commands.find((each) => each.name() === group);
  const groupHelp = `${helpOf(plan)}\n\nOptions: see tidegate ${group} ${name} --help.`;
  const parent =
    group === undefined ? program : (known ?? addCommand(program, group, groupDoes, groupHelp, ...examples));
  const command: CommandUnknownOpts = addCommand(parent, name, does, helpOf(plan), ...examples);
  for (const { word, field } of plan.args) command.addArgument(argumentOf(word, field));
  for (const field of plan.options) command.addOption(optionOf(field, usually[field.path[0] ?? ""]));
  for (const [flag, means] of Object.entries(plan.extras)) command.option(`--${flag}`, means);
  // "queue:jobs ID" is "queue:jobs show ID".
  const show = name === "list" && all.find((each) => each.group === group && each.name === "show");
  if (show) command.argument(`[${/<(\w+)>/.exec(show.words)?.[1]}]`, "show only this one");
  command.allowExcessArguments(name === "list");
  command.action(async () => {
    const [one, ...more] = command.args;
    if (name === "list" && (show ? more.length > 0 : one !== undefined))
      throw new UsageError(subcommandsOf(parent, one));
    if (show && one !== undefined) return showOne(show, one, command, parent, session);
    await run(plan, await requestOf(plan, command, session), session);
  });
}

/** Shows one thing of a list. Says which subcommands there are, in case the word was meant as one. */
async function showOne(
  plan: Plan,
  target: string,
  list: CommandUnknownOpts,
  group: CommandUnknownOpts,
  session: Session,
): Promise<void> {
  if (Object.keys(list.opts()).some((option) => list.getOptionValueSource(option) === "cli"))
    throw new UsageError(
      `${group.name()} ${target} shows one, so leave out the options of a list.`,
      subcommandsOf(group, target),
    );
  try {
    await run(plan, { fields: { ...plan.sends }, target, options: {} }, session);
  } catch (error) {
    if (!isTidegateError(error) || error.code !== "not_found" || !/^[a-z]+$/.test(target)) throw error;
    throw notFound(`${error.message} ${subcommandsOf(group, target)}`);
  }
}

async function run(plan: Plan, typed: Typed, session: Session): Promise<void> {
  const { operation, noun, asks, verb } = plan;
  const { fields, options } = typed;
  const to = await openTarget(session);
  if (operation === "getJob") return showJob(plan, to, typed.target, session);
  const isOfJob = plan.route.path.includes(":id");
  const [target = ""] = isOfJob ? await findIds(to, [typed.target], plan.states, session) : [typed.target];
  if (Array.isArray(fields["ids"])) fields["ids"] = await findIds(to, fields["ids"], plan.states, session);
  const { label } = to;
  const queue = `${label.charAt(0).toLowerCase()}${label.slice(1)}`;
  const send = (given: object, from = to.send): Promise<Row> => withFlags(plan, () => ask(plan, target, given, from));
  const fill = (text: string, answer: Row) =>
    filled(text, { ...fields, ...answer, target, label, queue }, session, to.command);
  const add = (answer: Row) => {
    for (const text of plan.adds ?? [])
      if (Number(answer[/\{(\w+)\}/.exec(text)?.[1] ?? ""]) > 0) session.note(fill(text, answer));
  };
  const isSure = options["yes"] === true;
  if (noun) return changeMany(plan, to, { fields, isSure, send, fill, add }, session);
  if (asks) await session.confirm(async () => `${to.label}: ${verb} ${target} for good?`, isSure);
  if (plan.isList) return showRows(plan, typed, { to, send, add }, session);
  const found = (await send(fields)) ?? { done: true };
  const says = typeof plan.says === "function" ? plan.says(found as never, fields) : plan.says;
  session.print(found, () => (says ? fill(says, found) : factsText(found, plan.shows, session)));
  if (operation === "pauseJobs") await noteUnknownType(target, to, session);
  // Not an error: the name may belong to a future deployment.
  if (operation === "enqueueJob" && to.local?.database && !to.jobNames)
    session.note("Name and payload were not checked, since Redis does not know the jobs: use --module to check them.");
}

function ask({ route, isInQuery, answer }: Plan, target: string, given: object, from: Target["send"]): Promise<Row> {
  const path = route.path.replace(/\/:\w+/, () => part(target));
  if (isInQuery) return read(answer, from(route.method, path + query(given)));
  return read(answer, from(route.method, path, JSON.stringify(given)));
}

/** Says so if no job of a paused type has ended or waits: it may be misspelt, or belong to a future deployment. */
async function noteUnknownType(name: string, to: Target, session: Session): Promise<void> {
  const { names, other } = await read<QueueFigures>("names", to.send("GET", "/figures?days=0&pending=true"));
  const seen = names.filter(({ total, pending }) => pending?.count || Object.values(total).some((of) => of > 0));
  const known = [...seen.map((type) => type.name), ...(to.jobNames ?? [])];
  if (other || known.includes(name)) return;
  session.note(`No job of this type is known: ${printable(name)}.${didYouMean(name, known)}`);
}

const isWaiting = ({ state }: Row) => state === "scheduled" || state === "ready";

const CHILDREN_SHOWN = 20;

/** Shows a job, in whichever queue it is, and the first of its children below it. */
async function showJob({ shows, states }: Plan, to: Target, text: string, session: Session): Promise<void> {
  const { job, send } = await findJob(to, text, states, session);
  const children = plans().find(({ operation }) => job["children"] && operation === "listChildren");
  const page = children && (await ask(children, String(job["id"]), { limit: CHILDREN_SHOWN }, send));
  const rows = (page?.["jobs"] ?? []) as readonly Row[];
  // A token that may only enqueue reads no statistics.
  const stats = isWaiting(job) && (await read<QueueStats>("paused", send("GET", "/stats")).catch(() => undefined));
  const inQueue = (words: string) => suggestedCommand(words, { ...session.globals, queue: String(job["queue"]) });
  const command = send === to.send ? to.command : inQueue;
  session.print(job, () =>
    [
      factsText(job, shows, session),
      ...(stats ? pauseLines(stats, command, session, job["name"]) : []),
      ...(rows[0] ? [listText(rows, children?.shows, session)] : []),
    ].join("\n\n"),
  );
  if (page?.["cursor"])
    session.note(`These are the first ${CHILDREN_SHOWN}. See: ${to.command("queue:jobs children ID")}`);
}
