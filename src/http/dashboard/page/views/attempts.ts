import type { JobInfo } from "../../../../core/manage/job-info.ts";
import type { Json } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { clock, moment, span } from "./format.ts";
import { code, runText, stamp } from "./parts.ts";

type Info = Json<JobInfo>;
type Line = Info["logs"][number];

interface Attempt {
  readonly number: number;
  readonly title: string;
  readonly kind: string;
  readonly startedAt?: string | undefined;
  readonly endedAt?: string | undefined;
  readonly error?: Info["errors"][number] | undefined;
}

/** The title if something other than the last failed attempt made the job dead. */
const DEAD = "Dead";

/** Everything that has happened to a job, the newest first: its attempts with their errors and log lines. */
export function timeline(job: Info): Html {
  const attempts = attemptsOf(job);
  const attemptOf = ({ attempt, at }: Line) =>
    attempts.findLast(({ number, endedAt }) => number === attempt && (endedAt === undefined || at <= endedAt));
  return html`<ol class="timeline">${job.runAt && entry("scheduled", runText(job), job.runAt)}
${lives(attempts, job.attempts).map(
  (life, index, { length }) =>
    html`${life.map((attempt) =>
      attemptEntry(
        attempt,
        length - index,
        job.logs.filter((line) => attemptOf(line) === attempt),
      ),
    )}${index < length - 1 && html`<li class="ready" data-key="${`Retry ${length - index}`}">${job.steps ? "From here, attempts count anew" : "Retried from the dead-letter queue"}</li>`}`,
)}
${isMissingSome(job) && html`<li class="muted" data-key="earlier">Earlier attempts are no longer stored</li>`}
${job.schedule && entry("scheduled", `Occurrence of schedule ${job.schedule.key}`, job.schedule.occurrence)}${entry("ready", "Enqueued", job.enqueuedAt)}</ol>`;
}

/**
 * The attempts before and after each retry from the dead-letter queue, the newest first. The numbers of attempts begin
 * again at such a retry, and once a step is stored.
 */
function lives(attempts: readonly Attempt[], begun: number): readonly (readonly Attempt[])[] {
  const all: Attempt[][] = [[]];
  let next = begun + 1;
  for (const attempt of attempts) {
    if (attempt.number < next) all.at(-1)?.push(attempt);
    else all.push([attempt]);
    // What made the job dead is no attempt.
    if (attempt.title !== DEAD) next = attempt.number;
  }
  return all;
}

/** A record keeps the last five failed attempts. */
const isMissingSome = ({ errors: [oldest] }: Info): boolean => oldest !== undefined && oldest.attempt > 1;

const entry = (kind: string, title: string, at: string): Html =>
  html`<li class="${kind}" data-key="${title}"><div class="row"><span>${title}</span>${stamp(at)}</div></li>`;

/** The attempts in a job's record, the newest first. */
function attemptsOf(job: Info): readonly Attempt[] {
  const { attempts, state, startedAt, completedAt, failedAt, errors } = job;
  const failed = [...errors].reverse().map((error) => ({
    ...{ number: error.attempt, kind: "retried", error },
    title: `Attempt ${error.attempt} failed`,
    startedAt: error.startedAt,
    endedAt: error.failedAt,
  }));
  switch (state) {
    case "scheduled":
    case "ready":
      return failed;
    case "running":
      return [{ number: attempts, title: `Attempt ${attempts} is running`, kind: state, startedAt }, ...failed];
    case "completed":
      return [
        { number: attempts, title: `Attempt ${attempts} completed`, kind: state, startedAt, endedAt: completedAt },
        ...failed,
      ];
    case "dead": {
      const [last, ...others] = failed;
      if (last && last.error.message === job.error?.message)
        return [{ ...last, kind: state, title: `Attempt ${last.number} failed: the job is dead` }, ...others];
      const error = job.error && { ...job.error, attempt: attempts, failedAt: failedAt ?? job.enqueuedAt };
      return [{ number: attempts, title: DEAD, kind: state, startedAt, endedAt: failedAt, error }, ...failed];
    }
  }
}

function attemptEntry(attempt: Attempt, life: number, logs: readonly Line[]): Html {
  const { number, title, kind, startedAt, endedAt, error } = attempt;
  const took = startedAt && endedAt && span(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)));
  const at = endedAt ?? startedAt;
  return html`<li class="${kind}" data-key="${title === DEAD ? title : `Attempt ${number} of ${life}`}"><div class="row"><b>${title}</b>${took && html`<span class="muted">took ${took}</span>`}
${at && stamp(at, endedAt ? "" : "claimed ")}</div>
${error && html`<p class="dead error message">${error.name}: ${error.message}</p>${error.stack && html`<details><summary>Stack</summary>${code(error.stack)}</details>`}`}
${logs[0] && html`<table class="log">${logs.map(line)}</table>`}</li>`;
}

const line = ({ at, message, data }: Line): Html =>
  html`<tr><td><small title="${moment(at)}">${clock(at, "medium")}</small></td><td>${message}${data !== undefined && html` <code>${JSON.stringify(data)}</code>`}</td></tr>`;
