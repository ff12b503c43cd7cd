import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { part, query, read, type Send } from "../client/transport.ts";
import type { OperationName } from "../contract/operations.ts";
import { type FlowControlKey, heldBackTexts } from "../core/flow/flow-key.ts";
import type { FlowControlPage } from "../core/flow/flow-keys.ts";
import type { QueueFigures } from "../core/manage/figures.ts";
import type { JobInfo } from "../core/manage/job-info.ts";
import { waitsFor } from "../core/manage/job-text.ts";
import type { JobPage } from "../core/manage/list.ts";
import type { QueueStats } from "../core/manage/stats.ts";
import { sleep, systemClock } from "../core/shared/clock.ts";
import { isTidegateError, notFound } from "../core/shared/errors.ts";
import { groupPattern } from "../core/store/failures.ts";
import type { JobState } from "../core/store/store.ts";
import { UNKNOWN_QUEUE } from "../http/contract/problems.ts";
import { changeMany } from "./bulk.ts";
import { jobColumns } from "./commands.ts";
import { openTarget, queueNames, type Target } from "./connect.ts";
import { argumentOf, optionOf } from "./fields.ts";
import { pauseLines } from "./list.ts";
import { factsText, filled, listText, type Row } from "./output/cells.ts";
import { LiveLine } from "./output/live-line.ts";
import { count, printable, quoted } from "./output/text.ts";
import { helpOf, type Plan, plans } from "./plan.ts";
import { described, nearest, subcommandsOf, UsageError } from "./program.ts";
import { type Call, givenIn, onlyId, requestOf, type Typed, withFlags } from "./request.ts";
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
    const result = await runInOne(plan, typed, to, session);
    if (typeof result === "object") return result;
    if (result) session.note((await lookElsewhere(to, session, (send) => foundIn(plan, typed, send))).hint);
  } catch (error) {
    if (isMoved || !isTidegateError(error) || error.code !== "not_found" || error.message === UNKNOWN_QUEUE)
      throw error;
    const { names, hint } = await lookElsewhere(to, session, (send) => foundIn(plan, typed, send, false));
    const name = plan.route.method === "GET" ? names[0] : meantIn(names, typed, session);
    if (name === undefined) throw notFound(`${error.message}\n${hint}`.trimEnd());
    session.note(`Found in the queue ${printable(name)}.`);
    session.program.setOptionValue("queue", name);
    await run(plan, typed, session, true);
  }
  return undefined;
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

const getJob = (send: Send, id: string) => read<JobInfo | null>("id", send("GET", `/jobs${part(id)}`), true);

/** The job of an id, or of the short id of a table, if it is in one of these states. @throws as `findIds` */
async function findJob(send: Send, text: string, states: readonly JobState[]) {
  const [id = text] = (await findIds(send, [text], states)) ?? [];
  const job = await getJob(send, id);
  return job && states.includes(job.state) ? job : null;
}

const jobsAt = async (send: Send, path: string, fields: object) =>
  (await read<JobPage>("jobs", send("GET", `/jobs${path}${query(fields)}`))).jobs;

const childrenOf = (id: string, send: Send, fields: object) => jobsAt(send, `${part(id)}/children`, fields);

/** The fields of a request, with whole ids: of a parent, those of its dead children. @throws as `findIds` */
async function fieldsIn({ states }: Plan, { fields, options: { parent } }: Typed, send: Send) {
  if (parent === undefined) return { ...fields, ids: await findIds(send, fields["ids"], states) };
  const dead = await childrenOf(String(parent), send, { state: "dead", limit: 1_000 });
  return { ...fields, ids: dead.map(({ id }) => id) };
}

/** Expands the ids of a request that a table has shortened; whole ones need none. @throws {UsageError} if ambiguous */
async function findIds(send: Send, texts: unknown, states: readonly JobState[]) {
  const expand = async (text: string) => {
    if (!/^[0-9a-f]{8}$|.…$/.test(text) || (await getJob(send, text))) return text;
    const searches = states.map((state) => jobsAt(send, "", { search: text, in: "id", state }));
    const found = (await Promise.all(searches)).flat();
    if (found.length > 1)
      throw new UsageError(
        `"${printable(text)}" is ambiguous: ${count(found.length)} matches.`,
        "Give the whole id. --wide shows it.",
      );
    return found[0]?.id ?? text;
  };
  return Array.isArray(texts) ? Promise.all(texts.map(expand)) : undefined;
}

/** What a queue has of what a command is about: the thing, which `isPaused` if it resumes, or how many jobs. */
async function foundIn(plan: Plan, typed: Typed, send: Send, isPaused = true): Promise<unknown> {
  const { route, noun, states, answer, verb } = plan;
  const { target } = typed;
  if (noun) return (await ask(plan, target, { ...(await fieldsIn(plan, typed, send)), dryRun: true }, send))[answer];
  // Of a whole queue only the statistics say whether it is paused.
  const [path = "/stats", name = "paused"] = /^[^:]*:(\w+)/.exec(route.path) ?? [];
  if (name === "id") return findJob(send, target, states);
  if (name === "event") {
    const jobs = await jobsAt(send, "", { state: "scheduled", limit: 1_000 });
    return jobs.some(({ waitingFor }) => waitingFor?.events.includes(target));
  }
  const thing =
    name === "name"
      ? (await typesIn(send)).names.find((type) => type.name === target)
      : await read<Row>(name, send("GET", pathTo(path, target)));
  return verb === "resume" && isPaused ? thing?.paused : thing;
}

/** Runs a command in one queue. Returns whether nothing in it matched, or as `showRows`. */
async function runInOne(plan: Plan, typed: Typed, to: Target, session: Session): Promise<boolean | Row | undefined> {
  const { operation, noun, asks, verb, isList } = plan;
  if (operation === "getJob") return void (await showJob(plan, to, typed.target, session));
  const call = await callOf(plan, typed, to, session);
  const { label, target, options, fields } = call;
  if (noun) {
    const { isNothing, retriedIn } = await changeMany(plan, { ...to, label }, call, session);
    // The jobs are moved, whatever comes of these reads.
    if (/^(run|reschedule|retry)$/.test(verb) && !isNothing && !fields["dryRun"] && !session.isJson)
      await noteOutcome(plan, call, retriedIn, to, session).catch(() => {});
    return isNothing;
  }
  if (isList) return showRows(plan, to, call, session);
  if (asks && !options["yes"]) await session.confirm(`${label}: ${verb} ${target} for good?`);
  return runOne(plan, call, to, session);
}

async function callOf(plan: Plan, typed: Typed, to: Target, session: Session): Promise<Call & { label: string }> {
  const { route, states, adds = {} } = plan;
  const [target = typed.target] = (/:id/.test(route.path) && (await findIds(to.send, [typed.target], states))) || [];
  const fields = await fieldsIn(plan, typed, to.send);
  const isAction = route.method !== "GET" && !session.isJson;
  const { queue: chosen } = session.globals;
  const [first = "", second] = isAction && chosen === undefined ? await queueNames(to).catch(() => []) : [];
  const name = printable(chosen ?? (second === undefined ? "" : first));
  const label = to.label.replace("The first queue", name ? `Queue ${name}` : "$&");
  const queue = `${label.charAt(0).toLowerCase()}${label.slice(1)}`;
  const fill = (text: string, answer: Row) =>
    filled(text, { ...fields, ...answer, target, label, queue, in: name && ` in ${name}` }, session, to.command);
  return {
    ...{ ...typed, target, fields, label, fill },
    send: (given, from = to.send) => withFlags(plan, () => ask(plan, target, given, from)),
    add(answer) {
      for (const [field, text] of Object.entries(adds)) if (answer[field]) session.note(fill(text, answer));
    },
  };
}

/** Does or shows one thing. Returns whether nothing in the queue matched. */
async function runOne(plan: Plan, call: Call, to: Target, session: Session) {
  const { operation, says, shows, verb } = plan;
  const { target, fields, options, send, fill, add } = call;
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
  return found["woken"] === 0 || (!wasPaused && !unknown);
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

const CHILDREN_SHOWN = 20;

/** The commands that change a job in each state. */
const actions = { scheduled: ["run", "cancel"], ready: ["cancel"], running: ["stop"], completed: [], dead: ["retry"] };

/** Shows a job, and the first of its children below it, or of the dead ones. */
async function showJob(plan: Plan, to: Target, text: string, session: Session): Promise<void> {
  const { shows, states, group } = plan;
  const { send, command } = to;
  const job = await findJob(send, text, states);
  if (!job)
    throw notFound(
      `No job's id is this, or ends with it. Completed jobs are kept only for a queue's retention. See: ${command(group ?? "")}`,
    );
  const children = (state?: JobState) => childrenOf(job.id, send, { limit: CHILDREN_SHOWN, state });
  const dead = job.children?.dead ? await children("dead") : [];
  const rows = dead[0] || !job.children ? dead : await children();
  const { lines, ...held } = await readHeld(job, to, session);
  session.print(job, () =>
    [
      factsText({ ...job, ...held }, shows, session),
      ...lines,
      ...(rows[0] ? [listText(rows as never, jobColumns, session)] : []),
    ].join("\n\n"),
  );
  const id = quoted(printable(job.id));
  if (dead[0]) session.note(`To retry its dead children: ${command(`queue:dlq retry --parent ${id}`)}`);
  else if (job.children?.dead) session.note("No child is dead now. The counts are of when it stopped waiting.");
  if (dead[0] || rows[CHILDREN_SHOWN - 1]) session.note(`All its children: ${command(`queue:jobs children ${id}`)}`);
  for (const verb of actions[job.state])
    session.note(`To ${verb} it: ${command(`queue:${job.state === "dead" ? "dlq" : "jobs"} ${verb} ${id}`)}`);
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

/** Waits a moment, in which a drain can run what has just become due. */
async function settle(session: Session): Promise<void> {
  const line = new LiveLine(session);
  line.show("Waiting 3 s for what becomes of it");
  await sleep(session.io.clock ?? systemClock, 3_000);
  line.clear();
}

/** Says to somebody at a terminal what has become of jobs, after a moment: "ship-4711 is completed now." */
async function noteStates(jobs: readonly JobInfo[], { send }: Target, session: Session): Promise<void> {
  if (!jobs[0] || !session.canAsk) return;
  await settle(session);
  for (const job of await Promise.all(jobs.map(({ id }) => getJob(send, id))))
    if (job) session.note(`${printable(job.id)} is ${job.state} now.`);
}

/** What a waiting job waits for, and what of it is paused, by whom and why. */
async function readHeld(job: JobInfo, { send, command }: Target, session: Session) {
  if (job.state !== "scheduled" && job.state !== "ready") return { lines: [] };
  const { key = "", reason } = job.heldBack ?? {};
  const get = <Answer>(field: string, path: string) => read<Answer>(field, send("GET", path));
  // A token that may only enqueue reads no statistics.
  const stats = await get<QueueStats>("paused", "/stats").catch(() => undefined);
  const pausedJobs = stats?.pausedJobs.filter(({ name }) => name === job.name) ?? [];
  const keys = stats && reason === "paused" ? [await get<FlowControlKey>("key", `/flow-control${part(key)}`)] : [];
  const lines = stats ? pauseLines({ ...stats, pausedJobs, keys }, command, session) : [];
  const waits =
    waitsFor(job, undefined, reason && !lines[0] && `the key ${key}: ${heldBackTexts[reason]}`) || undefined;
  if (key && reason !== "paused") lines.push(`Who holds it back: ${command(`queue:flow ${quoted(printable(key))}`)}`);
  return { waits, lines };
}
