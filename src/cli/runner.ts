import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { part, query, read, type Send } from "../client/transport.ts";
import { type FlowControlKey, heldBackTexts } from "../core/flow/flow-key.ts";
import type { QueueFigures } from "../core/manage/figures.ts";
import type { JobInfo } from "../core/manage/job-info.ts";
import { waitsFor } from "../core/manage/job-text.ts";
import type { QueueStats } from "../core/manage/stats.ts";
import { isTidegateError, notFound } from "../core/shared/errors.ts";
import type { JobState } from "../core/store/store.ts";
import { UNKNOWN_QUEUE } from "../http/contract/problems.ts";
import { changeMany } from "./bulk.ts";
import { openTarget, queueNames, type Target } from "./connect.ts";
import { argumentOf, optionOf } from "./fields.ts";
import { pauseLines } from "./list.ts";
import { factsText, filled, listText, type Row } from "./output/cells.ts";
import { count, printable, quoted } from "./output/text.ts";
import { helpOf, type Plan, plans } from "./plan.ts";
import { addCommand, subcommandsOf, UsageError } from "./program.ts";
import { requestOf, type Typed, withFlags } from "./request.ts";
import { showRows } from "./rows.ts";
import type { Session } from "./session.ts";

export function addOperations(session: Session): void {
  const all = plans();
  for (const plan of all) addOperation(plan, all, session);
}

function addOperation(plan: Plan, all: readonly Plan[], session: Session): void {
  const { name, group, does, groupDoes = does, usually = {}, examples = [] } = plan;
  const program: CommandUnknownOpts = session.program;
  const known = program.commands.find((each) => each.name() === group);
  const parent =
    group === undefined ? program : (known ?? addCommand(program, group, groupDoes, helpOf(plan), ...examples));
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

/** Runs a command. Shows what only another queue has; to change that, says which --queue to add. */
async function run(plan: Plan, typed: Typed, session: Session, isMoved = false): Promise<void> {
  const to = await openTarget(session);
  const elsewhere = () => lookElsewhere(to, session, (send) => foundIn(plan, typed, send));
  try {
    if (await runInOne(plan, typed, to, session)) session.note((await elsewhere()).hint);
  } catch (error) {
    if (isMoved || !isTidegateError(error) || error.code !== "not_found" || error.message === UNKNOWN_QUEUE)
      throw error;
    const { name, hint } = await elsewhere();
    if (name === undefined || plan.route.method !== "GET") throw notFound(`${error.message}\n${hint}`.trimEnd());
    session.note(`Found in the queue ${printable(name)}.`);
    session.program.setOptionValue("queue", name);
    await run(plan, typed, session, true);
  }
}

/** Looks in the other queues, if the token may list them. Returns the first that has it, and a hint at all that do. */
async function lookElsewhere(to: Target, { globals }: Session, look: (send: Send) => Promise<unknown>) {
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
async function findJob(send: Send, text: string, states: readonly JobState[]) {
  const [id = text] = (await findIds(send, [text], states)) ?? [];
  const job = await getJob(send, id);
  return job && states.includes(job["state"] as JobState) ? job : null;
}

/** Expands the ids of a request that a table has shortened; whole ones need none. @throws {UsageError} if ambiguous */
async function findIds(send: Send, texts: unknown, states: readonly JobState[]) {
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

/** What a queue has of what a command is about: the thing, or how many jobs it would change. */
async function foundIn(plan: Plan, { fields, target }: Typed, send: Send): Promise<unknown> {
  const { route, noun, states, answer } = plan;
  if (noun) {
    const ids = await findIds(send, fields["ids"], states);
    return (await ask(plan, target, { ...fields, ids, dryRun: true }, send))[answer];
  }
  const [path = "", name = ""] = /^[^:]*:(\w+)/.exec(route.path) ?? [];
  if (name === "id") return findJob(send, target, states);
  const thing =
    name === "name"
      ? (await typesIn(send)).names.find((type) => type.name === target)
      : await read<Row>(name, send("GET", pathTo(path, target)));
  return answer === "resumed" ? thing?.paused : thing;
}

/** Runs a command in one queue. Returns whether nothing in it matched. */
async function runInOne(plan: Plan, typed: Typed, to: Target, session: Session): Promise<boolean | undefined> {
  const { operation, noun, asks, verb, states } = plan;
  if (operation === "getJob") return void (await showJob(plan, to, typed.target, session));
  const isOfJob = plan.route.path.includes(":id");
  const [target = typed.target] = (isOfJob && (await findIds(to.send, [typed.target], states))) || [];
  const fields = { ...typed.fields, ids: await findIds(to.send, typed.fields["ids"], states) };
  const isAction = plan.route.method !== "GET" && !session.isJson;
  const { queue: chosen } = session.globals;
  const [first = "", second] = isAction && chosen === undefined ? await queueNames(to).catch(() => []) : [];
  const name = printable(chosen ?? (second === undefined ? "" : first));
  const label = to.label.replace("The first queue", name ? `Queue ${name}` : "$&");
  const queue = `${label.charAt(0).toLowerCase()}${label.slice(1)}`;
  const send = (given: object, from = to.send): Promise<Row> => withFlags(plan, () => ask(plan, target, given, from));
  const fill = (text: string, answer: Row) =>
    filled(text, { ...fields, ...answer, target, label, queue, in: name && ` in ${name}` }, session, to.command);
  const add = (answer: Row) => {
    for (const text of plan.adds ?? [])
      if (Number(answer[/\{(\w+)\}/.exec(text)?.[1] ?? "listed"]) > 0) session.note(fill(text, answer));
  };
  const isSure = typed.options["yes"] === true;
  if (noun) return changeMany(plan, { ...to, label }, { fields, isSure, send, fill, add }, session);
  if (asks) await session.confirm(async () => `${label}: ${verb} ${target} for good?`, isSure);
  if (plan.isList) return void (await showRows(plan, typed, { to, send, add }, session));
  const isOfKeys = plan.route.path.startsWith("/flow-control");
  const mayBeMisspelt = /^(pause|resume)(Jobs|FlowControlKey)$/.test(operation) && !typed.options["force"];
  const unknown = mayBeMisspelt ? await unknownName(target, isOfKeys, to, session) : "";
  // A key can be paused before its first job, and is forgotten when it is idle.
  if (unknown && !isOfKeys)
    throw new UsageError(
      unknown,
      `Nothing was ${verb}d.${verb === "pause" ? " To pause a type before its first job, add --force." : ""}`,
    );
  const found = (await send(fields)) ?? { done: true };
  const schedule =
    operation === "previewSchedule" && (await read<Row>("key", to.send("GET", pathTo("/schedules/:key", target))));
  const shown = { ...schedule, ...found };
  const says = typeof plan.says === "function" ? plan.says(shown as never, fields) : plan.says;
  const wasPaused = found["resumed"] !== false;
  const text = () => (says ? fill(says, shown) : factsText(shown, plan.shows, session));
  session.print(found, () => (wasPaused ? text() : unknown || text()));
  add(found);
  // Not an error: the name may belong to a future deployment.
  if (operation === "enqueueJob" && to.local?.database && !to.jobNames)
    session.note("Name and payload were not checked, since Redis does not know the jobs: use --module to check them.");
  if (wasPaused) session.note(unknown);
  return !wasPaused && !unknown;
}

function ask({ route, isInQuery, answer }: Plan, target: string, given: object, from: Target["send"]): Promise<Row> {
  const path = pathTo(route.path, target);
  if (isInQuery) return read(answer, from(route.method, path + query(given)));
  return read(answer, from(route.method, path, JSON.stringify(given)));
}

const pathTo = (path: string, target: string) => path.replace(/\/:\w+/, () => part(target));

/** The first 100 job types of which a job has ended or waits, or that are paused, and the others together. */
const typesIn = (send: Send) => read<QueueFigures>("names", send("GET", "/figures?days=0&pending=true"));

/** The job types or flow control keys that a queue knows, and whether it may have more. */
async function namesIn(isOfKeys: boolean, send: Send) {
  if (!isOfKeys) {
    const { names, other } = await typesIn(send);
    return { names: names.map(({ name }) => name), hasMore: other !== null };
  }
  const page = send("GET", `/flow-control${query({ limit: 1_000 })}`);
  const { keys, cursor } = await read<{ keys: readonly FlowControlKey[]; cursor: string | null }>("keys", page);
  return { names: keys.map(({ key }) => key), hasMore: cursor !== null };
}

/** What to say of a job type or key that neither a job nor the module has: it may be misspelt. Empty if it is known. */
async function unknownName(name: string, isOfKeys: boolean, to: Target, session: Session): Promise<string> {
  const { names, hasMore } = await namesIn(isOfKeys, to.send);
  const known = [...names, ...(isOfKeys ? [] : (to.jobNames ?? []))];
  if (known.includes(name) || hasMore) return "";
  const elsewhere = await lookElsewhere(to, session, async (send) => {
    const { names: theirs } = await namesIn(isOfKeys, send);
    known.push(...theirs);
    return theirs.includes(name);
  });
  const shown = printable(name);
  if (elsewhere.flags) return `${shown} is in the queue ${elsewhere.queues}: add ${elsewhere.flags}.`;
  const pairs = [...name].map((_, index) => name.slice(index, index + 2));
  const alike = (type: string) => pairs.filter((pair) => type.includes(pair)).length;
  const nearest = [...new Set(known)].sort((one, another) => alike(another) - alike(one)).slice(0, 3);
  const what = isOfKeys ? "flow control key is in use" : "job of this type is known";
  return `No ${what}: ${shown}. The nearest: ${nearest.map(printable).join(", ") || "none"}.`;
}

const CHILDREN_SHOWN = 20;

/** Shows a job, and the first of its children below it. */
async function showJob(plan: Plan, { send, command }: Target, text: string, session: Session): Promise<void> {
  const { shows, states, group } = plan;
  const job = await findJob(send, text, states);
  if (!job)
    throw notFound(
      `No job's id is this, or ends with it. Completed jobs are kept only for a queue's retention. See: ${command(group ?? "")}`,
    );
  const children = plans().find(({ operation }) => job["children"] && operation === "listChildren");
  const page = children && (await ask(children, String(job["id"]), { limit: CHILDREN_SHOWN }, send));
  const rows = (page?.["jobs"] ?? []) as readonly Row[];
  const { waits, held } = await readHeld(job as never, send);
  session.print(job, () =>
    [
      factsText({ ...job, waits }, shows, session),
      ...(held ? pauseLines(held, command, session) : []),
      ...(rows[0] ? [listText(rows, children?.shows, session)] : []),
    ].join("\n\n"),
  );
  const list = `queue:jobs children ${quoted(printable(String(job["id"])))}`;
  if (page?.["cursor"]) session.note(`These are the first ${CHILDREN_SHOWN}. See: ${command(list)}`);
  if (Number(Object(job["children"]).dead) > 0)
    session.note(`The counts are of when it stopped waiting. Dead now: ${command(`${list} --state dead`)}`);
}

/** What a waiting job waits for, and what of it is paused. */
async function readHeld(job: JobInfo, send: Send) {
  if (job.state !== "scheduled" && job.state !== "ready") return {};
  const { key = "", reason } = job.heldBack ?? {};
  const get = <Answer>(field: string, path: string) => read<Answer>(field, send("GET", path));
  // A token that may only enqueue reads no statistics.
  const stats = await get<QueueStats>("paused", "/stats").catch(() => undefined);
  const pausedJobs = stats?.pausedJobs.filter(({ name }) => name === job.name) ?? [];
  const keys = stats && reason === "paused" ? [await get<FlowControlKey>("key", `/flow-control${part(key)}`)] : [];
  const waits = waitsFor(job, stats, reason && `the key ${key}: ${heldBackTexts[reason]}`);
  return { waits, held: stats && { ...stats, pausedJobs, keys } };
}
