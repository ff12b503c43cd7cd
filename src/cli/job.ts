import { part, read } from "../client/transport.ts";
import { type FlowControlKey, heldBackTexts } from "../core/flow/flow-key.ts";
import type { JobInfo } from "../core/manage/job-info.ts";
import { waitsFor } from "../core/manage/job-text.ts";
import type { QueueStats } from "../core/manage/stats.ts";
import { sleep, systemClock } from "../core/shared/clock.ts";
import { notFound } from "../core/shared/errors.ts";
import type { JobState } from "../core/store/store.ts";
import { jobColumns } from "./commands.ts";
import type { Target } from "./connect.ts";
import { childrenOf, findJob, getJob } from "./find.ts";
import { pauseLines } from "./list.ts";
import { factsText, listText } from "./output/cells.ts";
import { LiveLine } from "./output/live-line.ts";
import { printable, quoted } from "./output/text.ts";
import type { Plan } from "./plan.ts";
import type { Call, Outcome } from "./request.ts";
import type { Session } from "./session.ts";

const CHILDREN_SHOWN = 20;

/** The commands that change a job in each state. */
const actions = {
  scheduled: ["run", "cancel"],
  ready: ["cancel"],
  running: ["stop"],
  completed: [],
  dead: ["retry", "remove"],
};

/** Shows a job, and the first of its children below it, or of the dead ones. */
export async function showJob(plan: Plan, { target }: Call, to: Target, session: Session): Promise<Outcome> {
  const { shows, states, group } = plan;
  const { send, command } = to;
  const job = await findJob(send, target, states);
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
  return {};
}

/** What a waiting job waits for, and what of it is paused, by whom and why. */
export async function readHeld(job: JobInfo, { send, command }: Target, session: Session) {
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

/** Waits a moment, in which a drain can run what has just become due. */
export async function settle(session: Session): Promise<void> {
  const line = new LiveLine(session);
  line.show("Waiting 3 s for what becomes of it");
  await sleep(session.io.clock ?? systemClock, 3_000);
  line.clear();
}

/** Says to somebody at a terminal what has become of jobs, after a moment: "ship-4711 is completed now." */
export async function noteStates(jobs: readonly JobInfo[], { send }: Target, session: Session): Promise<void> {
  if (!jobs[0] || !session.canAsk) return;
  await settle(session);
  for (const job of await Promise.all(jobs.map(({ id }) => getJob(send, id))))
    if (job) session.note(`${printable(job.id)} is ${job.state} now.`);
}
