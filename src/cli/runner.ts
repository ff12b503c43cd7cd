import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { part, query, read, type Send } from "../client/transport.ts";
import type { OperationName } from "../contract/operations.ts";
import type { FlowControlKey } from "../core/flow/flow-key.ts";
import type { FlowControlPage } from "../core/flow/flow-keys.ts";
import type { QueueFigures } from "../core/manage/figures.ts";
import type { JobInfo } from "../core/manage/job-info.ts";
import { isTidegateError, notFound } from "../core/shared/errors.ts";
import { groupPattern } from "../core/store/failures.ts";
import type { JobState } from "../core/store/store.ts";
import { UNKNOWN_QUEUE } from "../http/contract/problems.ts";
import { changeMany } from "./bulk.ts";
import { openTarget, queueNames, type Target } from "./connect.ts";
import { argumentOf, optionOf } from "./fields.ts";
import { findJob, getJob, jobsAt, withWholeIds } from "./find.ts";
import { noteStates, readHeld, settle, showJob } from "./job.ts";
import { factsText, filled, type Row } from "./output/cells.ts";
import { printable, quoted } from "./output/text.ts";
import { helpOf, type Plan, plans } from "./plan.ts";
import { described, nearest, subcommandsOf, UsageError } from "./program.ts";
import { type Call, givenIn, type Outcome, onlyId, requestOf, type Typed, withFlags } from "./request.ts";
import { showRows } from "./rows.ts";
import type { Session } from "./session.ts";

/** Gives a command of the program what the table says of it: its options, or its subcommands. */
export function defineOperations(command: CommandUnknownOpts, session: Session): void {
  const all = plans().filter(({ words }) => words.split(" ")[0] === command.name());
  for (const plan of all) {
    const { name, group, does, examples = [] } = plan;
    const isList = name === "list";
    // The help of a group is that of its list.
    if (isList || group === undefined) described(command, helpOf(plan), ...examples);
    const own = group === undefined ? command : command.command(name, { isDefault: isList, hidden: isList });
    if (own !== command) described(own.summary(does), helpOf(plan), ...examples);
    defineOperation(plan, own, all, session);
  }
}

function defineOperation(plan: Plan, command: CommandUnknownOpts, all: readonly Plan[], session: Session): void {
  const { name, usually = {} } = plan;
  for (const { word, field } of plan.args) command.addArgument(argumentOf(word, field));
  for (const field of plan.options) command.addOption(optionOf(field, usually[field.path[0] ?? ""]));
  for (const [flag, means] of Object.entries(plan.extras)) command.option(`--${flag}`, means);
  // "queue:jobs ID" is "queue:jobs show ID".
  const show = name === "list" && all.find((each) => each.name === "show");
  if (show) command.argument(`[${/<(\w+)>/.exec(show.words)?.[1]}]`, "show only this one");
  command.allowExcessArguments(name === "list");
  command.action(async () => {
    const [one, ...more] = command.args;
    if (name === "list" && (show || plan.args[0] ? more.length > 0 : one !== undefined))
      throw new UsageError(subcommandsOf(command.parent ?? command, one));
    // "queue:failures TYPE" lists the groups of a job type.
    const isType = plan.operation === "getFailures" && one !== undefined && !groupPattern.test(one);
    if (isType) command.setOptionValue("name", one);
    else if (show && one !== undefined) return showOne(show, one, command, session);
    const only = await run(plan, await requestOf(plan, command, session), session);
    if (only && show)
      await run(show, { fields: { ...show.sends }, target: String(only["group"]), options: {} }, session);
  });
}

/** Shows one thing of a list. Says which subcommands there are, in case the word was meant as one. */
async function showOne(plan: Plan, target: string, list: CommandUnknownOpts, session: Session): Promise<void> {
  const group = list.parent ?? list;
  if (givenIn(list)[0])
    throw new UsageError(
      `${group.name()} ${target} shows one, so leave out the options of a list.`,
      subcommandsOf(group, target),
    );
  try {
    await run(plan, { fields: { ...plan.sends }, target, options: {} }, session);
  } catch (error) {
    const which = subcommandsOf(group, target);
    const isMeant = which.endsWith("?");
    throw isMeant && isTidegateError(error) && error.code === "not_found"
      ? notFound(`${error.message}\n${which}`)
      : error;
  }
}

/**
 * Runs a command. Shows what only another queue has. Somebody at a terminal also changes the one thing there that a
 * command names; else it says which --queue to add.
 *
 * @returns the only row of a list, if the command opens it.
 */
async function run(plan: Plan, typed: Typed, session: Session, isMoved = false): Promise<Row | undefined> {
  const to = await openTarget(session);
  try {
    const { isNothing, only } = await runInOne(plan, typed, to, session);
    if (isNothing) session.note((await lookElsewhere(to, session, (send) => stillIn(plan, typed, send))).hint);
    return only;
  } catch (error) {
    if (isMoved || !isTidegateError(error) || error.code !== "not_found" || error.message === UNKNOWN_QUEUE)
      throw error;
    const { names, hint } = await lookElsewhere(to, session, (send) => foundIn(plan, typed, send));
    const name = plan.route.method === "GET" ? names[0] : meantIn(names, typed, session);
    if (name === undefined) throw notFound(`${error.message}\n${hint}`.trimEnd());
    session.note(`Found in the queue ${printable(name)}.`);
    session.program.setOptionValue("queue", name);
    return run(plan, typed, session, true);
  }
}

/** The only other queue with what a command changes, if somebody at a terminal names no queue, but that one thing. */
function meantIn([name, other]: readonly string[], { target, fields, options }: Typed, session: Session) {
  const isOne = other === undefined && (target !== "" || onlyId(fields) !== undefined);
  return isOne && session.canAsk && session.globals.queue === undefined && !options["yes"] ? name : undefined;
}

/** Looks in the other queues, if the token may list them. Returns those that have it, and a hint at them. */
async function lookElsewhere(to: Target, { globals }: Session, look: (send: Send) => Promise<unknown>) {
  const names: readonly string[] = await queueNames(to).catch(() => []);
  if (globals.queue !== undefined && names[0] && !names.includes(globals.queue)) throw notFound(UNKNOWN_QUEUE);
  const others = names.filter((name) => name !== (globals.queue ?? names[0]));
  const found = await Promise.all(others.map((name) => look(to.sendTo(name)).catch(() => undefined)));
  const matching = others.filter((_, index) => found[index]);
  const flags = matching.map((name) => `--queue ${quoted(printable(name))}`).join(" or ");
  const searched = others[0] ? `No match in other queues either: ${others.map(printable).join(", ")}.` : "";
  return { names: matching, hint: flags ? `Another queue has a match: add ${flags}.` : searched };
}

/** What a queue has of what a command is about: the thing that it names, or how many jobs. */
async function foundIn(plan: Plan, typed: Typed, send: Send): Promise<unknown> {
  const { operation, route, noun, states, answer } = plan;
  const { target } = typed;
  if (noun) {
    const { fields } = await withWholeIds(plan, typed, send);
    const id = onlyId(fields);
    if (operation === "cancelJobs" && id !== undefined) return getJob(send, id);
    return (await ask(plan, target, { ...fields, dryRun: true }, send))[answer];
  }
  // "/schedules/:key" of "/schedules/:key/pause"
  const [path = "", name] = /^[^:]*:(\w+)/.exec(route.path) ?? [];
  switch (name) {
    case undefined:
      return read("paused", send("GET", "/stats"));
    case "id":
      return findJob(send, target, states);
    case "event": {
      const jobs = await jobsAt(send, "", { state: "scheduled", limit: 1_000 });
      return jobs.some(({ waitingFor }) => waitingFor?.events.includes(target));
    }
    case "name":
      return (await typesIn(send)).names.find((type) => type.name === target);
    default:
      return read(name, send("GET", pathTo(path, target)));
  }
}

/** The same, but of what a command resumes only what is paused. */
async function stillIn(plan: Plan, typed: Typed, send: Send): Promise<unknown> {
  const found = await foundIn(plan, typed, send);
  return plan.verb === "resume" ? Object(found).paused : found;
}

/** What a command does in one queue, by its kind. */
const kinds: {
  readonly [Kind in Plan["kind"]]: (plan: Plan, call: Call, to: Target, session: Session) => Promise<Outcome>;
} = { job: showJob, rows: showRows, many: changeJobs, one: runOne };

async function runInOne(plan: Plan, typed: Typed, to: Target, session: Session): Promise<Outcome> {
  return kinds[plan.kind](plan, await callOf(plan, typed, to, session), to, session);
}

async function callOf(plan: Plan, typed: Typed, to: Target, session: Session): Promise<Call> {
  const { route, adds = {} } = plan;
  const whole = await withWholeIds(plan, typed, to.send);
  const { fields, target } = whole;
  const isAction = route.method !== "GET" && !session.isJson;
  const { queue: chosen } = session.globals;
  const [first = "", second] = isAction && chosen === undefined ? await queueNames(to).catch(() => []) : [];
  const name = printable(chosen ?? (second === undefined ? "" : first));
  const label = to.label.replace("The first queue", name ? `Queue ${name}` : "$&");
  const queue = `${label.charAt(0).toLowerCase()}${label.slice(1)}`;
  const fill = (text: string, answer: Row) =>
    filled(text, { ...fields, ...answer, target, label, queue, in: name && ` in ${name}` }, session, to.command);
  return {
    ...{ ...whole, label, fill },
    send: (given, from = to.send) => withFlags(plan, () => ask(plan, target, given, from)),
    add(answer) {
      for (const [field, text] of Object.entries(adds)) if (answer[field]) session.note(fill(text, answer));
    },
  };
}

/** Changes jobs, and says what becomes of those that are moved. */
async function changeJobs(plan: Plan, call: Call, to: Target, session: Session): Promise<Outcome> {
  const removed = await removeOther(plan, call, to, session);
  if (removed) return removed;
  const { isNothing, retriedIn } = await changeMany(plan, call, to, session);
  const isMoved = /^(run|reschedule|retry)$/.test(plan.verb) && !isNothing && !call.fields["dryRun"];
  // The jobs are moved, whatever comes of these reads.
  if (isMoved && !session.isJson) await noteOutcome(plan, call, retriedIn, to, session).catch(() => {});
  return { isNothing };
}

/** What removes a job that does not wait. A completed one goes when its retention ends. */
const removals: { readonly [State in JobState]?: OperationName } = { running: "cancelJob", dead: "removeDeadJobs" };

/** Somebody at a terminal who cancels one job wants it gone, even if it runs or is dead. The question says so. */
async function removeOther({ operation }: Plan, call: Call, to: Target, session: Session) {
  const id = onlyId(call.fields);
  const isAsked = session.canAsk && !call.options["yes"] && !call.fields["dryRun"];
  const isMeant = operation === "cancelJobs" && isAsked;
  const job = isMeant && id !== undefined ? await getJob(to.send, id) : null;
  const plan = job && plans().find((each) => each.operation === removals[job.state]);
  if (!job || !plan) return undefined;
  session.note(`${printable(job.id)} is ${job.state}.`);
  const fields = plan.kind === "many" ? { ids: [job.id] } : plan.sends;
  return runInOne(plan, { target: job.id, fields: { ...fields }, options: {} }, to, session);
}

/** Says what has become of moved jobs, of those due now after a moment. @param search finds the retried ones */
async function noteOutcome({ verb }: Plan, { fields }: Typed, search: unknown, to: Target, session: Session) {
  const id = onlyId(fields);
  const isFollowed = session.canAsk && verb !== "reschedule" && fields["over"] === undefined;
  const job = id !== undefined && (await getJob(to.send, id));
  const { waits, lines = [] } = job ? await readHeld(job, to, session) : {};
  for (const line of waits ? [`It waits for ${waits}.`, ...lines] : lines) session.note(line);
  if (isFollowed && job && !waits && !lines[0]) await noteStates([job], to, session);
  if (!isFollowed || !search || job) return;
  const list = plans().find(({ operation }) => operation === "listJobs") as Plan;
  await settle(session);
  await run({ ...list, isMerged: false }, { fields: { search, in: "retried" }, target: "", options: {} }, session);
}

/** Does or shows one thing. */
async function runOne(plan: Plan, call: Call, to: Target, session: Session): Promise<Outcome> {
  const { operation, asks, says, shows, verb } = plan;
  const { label, target, fields, options, send, fill, add } = call;
  if (asks && !options["yes"]) await session.confirm(`${label}: ${verb} ${target} for good?`);
  const unknown = options["force"] ? "" : await checkName(plan, call, to, session);
  const readBeside = async () => (session.isJson ? {} : beside[operation]?.(target, to.send).catch(() => ({})));
  // A pause is said before what takes longer to count.
  const before = verb === "pause" ? {} : await readBeside();
  const found = (await send(fields)) ?? { done: true };
  const shown: Row = { ...before, ...found };
  const wasPaused = found["resumed"] !== false;
  session.print(found, () => {
    if (unknown && !wasPaused) return unknown;
    const text = typeof says === "function" ? says(shown as never, fields) : says;
    return text ? fill(text, shown) : factsText(shown, shows, session);
  });
  add(verb === "pause" ? { ...(await readBeside()), ...found } : shown);
  const { jobs = [] } = shown as { readonly jobs?: readonly JobInfo[] };
  if (verb === "resume" && wasPaused) await noteStates(jobs, to, session);
  // Not an error: the name may belong to a future deployment.
  if (operation === "enqueueJob" && to.local?.database && !to.jobNames)
    session.note("Name and payload were not checked, since Redis does not know the jobs: use --module to check them.");
  if (wasPaused) session.note(unknown);
  return { isNothing: found["woken"] === 0 || (!wasPaused && !unknown) };
}

/** What people see beside an answer. */
const beside: { readonly [Name in OperationName]?: (target: string, send: Send) => Promise<Row> } = {
  previewSchedule: (key, send) => read("key", send("GET", pathTo("/schedules/:key", key))),
  async getFlowControlKey(search, send) {
    const jobsIn = (state: JobState) => jobsAt(send, "", { search, in: "key", state });
    // Those that hold its slots, and the first that wait for one.
    return { jobs: [...(await jobsIn("running")), ...(await jobsIn("ready")).slice(0, 5)] };
  },
  async resumeFlowControlKey(search, send) {
    const key = await read<FlowControlKey>("key", send("GET", `/flow-control${part(search)}`));
    return { ...key, jobs: (await jobsAt(send, "", { search, in: "key", state: "ready" })).slice(0, 5) };
  },
  pauseJobs(name, send) {
    const reads = [typesIn(send, name), jobsAt(send, "", { name, state: "running", limit: 1_000 })] as const;
    return Promise.all(reads).then(([{ names }, running]) => ({ ...names[0], running: running.length }));
  },
};

function ask({ route, isInQuery, answer }: Plan, target: string, given: object, from: Target["send"]): Promise<Row> {
  const path = pathTo(route.path, target);
  if (isInQuery) return read(answer, from(route.method, path + query(given)));
  return read(answer, from(route.method, path, JSON.stringify(given)));
}

const pathTo = (path: string, target: string) => path.replace(/\/:\w+/, () => part(target));

/** The first 100 job types of which a job has ended or waits, or that are paused, and the others together. */
const typesIn = (send: Send, name?: string) =>
  read<QueueFigures>("names", send("GET", `/figures${query({ days: 0, pending: true, name })}`));

/** The job types or flow control keys that a queue knows, and whether it may have more. */
async function namesIn(isOfKeys: boolean, send: Send) {
  if (!isOfKeys) {
    const { names, other } = await typesIn(send);
    return { names: names.map(({ name }) => name), hasMore: other !== null };
  }
  const { keys, cursor } = await read<FlowControlPage>("keys", send("GET", "/flow-control?limit=1000"));
  return { names: keys.map(({ key }) => key), hasMore: cursor !== null };
}

/** What to say of a key that is not in use: its first job may come. @throws {UsageError} for an unknown job type */
async function checkName(plan: Plan, call: Call, to: Target, session: Session): Promise<string> {
  const { operation, verb } = plan;
  const { target: name } = call;
  if (!/^(pause|resume)(Jobs|FlowControlKey)$/.test(operation)) return "";
  const isOfKeys = operation.endsWith("Key");
  const { names, hasMore } = await namesIn(isOfKeys, to.send);
  const known = [...names, ...(isOfKeys ? [] : (to.jobNames ?? []))];
  if (known.includes(name) || hasMore) return "";
  const elsewhere = await lookElsewhere(to, session, async (send) => {
    const { names: others } = await namesIn(isOfKeys, send);
    known.push(...others);
    return others.includes(name);
  });
  if (meantIn(elsewhere.names, call, session)) throw notFound(elsewhere.hint);
  const what = isOfKeys ? "flow control key is in use" : "job of this type is known";
  const alike = nearest(name, known, 0).slice(0, 3).map(printable).join(", ") || "none";
  const unknown = elsewhere.names[0] ? elsewhere.hint : `No ${what}: ${printable(name)}. The nearest: ${alike}.`;
  if (isOfKeys) return unknown;
  const force = verb === "pause" ? " To pause a type before its first job, add --force." : "";
  throw new UsageError(unknown, `Nothing was ${verb}d.${force}`);
}
