import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { part, query, read } from "../client/transport.ts";
import { isTidegateError, notFound } from "../core/shared/errors.ts";
import { changeMany } from "./bulk.ts";
import { openTarget, type Target } from "./connect.ts";
import { argumentOf, optionOf } from "./fields.ts";
import { findIds, findJob } from "./find-job.ts";
import { factsText, filled, listText, type Row } from "./output/cells.ts";
import { helpOf, type Plan, plans } from "./plan.ts";
import { addCommand, subcommandsOf } from "./program.ts";
import { requestOf, type Typed, withFlags } from "./request.ts";
import { showRows } from "./rows.ts";
import type { Session } from "./session.ts";
import { UsageError } from "./usage-error.ts";

/** Adds the commands of the table. */
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
  if (show) command.argument(`[${/<(\w+)>/.exec(show.words)?.[1]}]`, "show only this one").allowExcessArguments();
  command.action(async () => {
    const [one] = command.processedArgs;
    if (command.args.length > 1 && show) throw new UsageError(subcommandsOf(parent));
    if (show && one !== undefined) return showOne(show, String(one), command, parent, session);
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
      subcommandsOf(group),
    );
  try {
    await run(plan, { fields: { ...plan.sends }, target, options: {} }, session);
  } catch (error) {
    if (!isTidegateError(error) || error.code !== "not_found" || !/^[a-z]+$/.test(target)) throw error;
    throw notFound(`${error.message} ${subcommandsOf(group)}`);
  }
}

/** Sends the request of a command, or several, and prints the answer. */
async function run(plan: Plan, typed: Typed, session: Session): Promise<void> {
  const { operation, noun, asks, verb } = plan;
  const { fields, options } = typed;
  const to = await openTarget(session);
  if (operation === "getJob") return showJob(plan, to, typed.target, session);
  const isOfJob = plan.route.path.includes(":id");
  const [target = ""] = isOfJob ? await findIds(to, [typed.target], plan.states, session) : [typed.target];
  if (Array.isArray(fields["ids"])) fields["ids"] = await findIds(to, fields["ids"], plan.states, session);
  const send = (given: object, from = to.send): Promise<Row> => withFlags(plan, () => ask(plan, target, given, from));
  const fill = (text: string, answer: Row) =>
    filled(text, { ...fields, ...answer, target, label: to.label }, session, to.command);
  const add = (answer: Row) => {
    for (const text of plan.adds ?? [])
      if (Number(answer[/\{(\w+)\}/.exec(text)?.[1] ?? ""]) > 0) session.note(fill(text, answer));
  };
  const isSure = options["yes"] === true;
  if (noun) return changeMany(plan, to, { fields, isSure, send, fill, add }, session);
  if (asks) await session.confirm(async () => `${to.label}: ${verb} ${target} for good?`, isSure);
  if (plan.isList) return showRows(plan, typed, { to, send, add }, session);
  const found = (await send(fields)) ?? { done: true };
  const says = typeof plan.says === "function" ? plan.says(found as never, fields, session.now) : plan.says;
  session.print(found, () => (says ? fill(says, found) : factsText(found, plan.shows, session)));
  // Not an error: the name may belong to a future deployment.
  if (operation === "enqueueJob" && to.local?.database && !to.jobNames)
    session.note("Name and payload were not checked, since Redis does not know the jobs: use --module to check them.");
}

function ask({ route, isInQuery, answer }: Plan, target: string, given: object, from: Target["send"]): Promise<Row> {
  const path = route.path.replace(/\/:\w+/, () => part(target));
  if (isInQuery) return read(answer, from(route.method, path + query(given)));
  return read(answer, from(route.method, path, JSON.stringify(given)));
}

/** How many children of a job are shown. */
const CHILDREN_SHOWN = 20;

/** Shows a job, in whichever queue it is, and the first of its children below it. */
async function showJob({ shows, states }: Plan, to: Target, text: string, session: Session): Promise<void> {
  const { job, send } = await findJob(to, text, states, session);
  const children = plans().find(({ operation }) => job["children"] && operation === "listChildren");
  const page = children && (await ask(children, String(job["id"]), { limit: CHILDREN_SHOWN }, send));
  const rows = (page?.["jobs"] ?? []) as readonly Row[];
  session.print(job, () =>
    [factsText(job, shows, session), ...(rows[0] ? [listText(rows, children?.shows, session)] : [])].join("\n\n"),
  );
  if (page?.["cursor"])
    session.note(`These are the first ${CHILDREN_SHOWN}. See: ${to.command("queue:jobs children ID")}`);
}
