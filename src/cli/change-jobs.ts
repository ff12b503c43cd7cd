import type { DeadSelection, PendingSelection } from "../core/manage/selection.ts";
import { count, counted, printable } from "./output/text.ts";
import type { Session } from "./session.ts";

export interface Change {
  /** What would happen to the jobs: "be removed", "run in 5 minutes". Read after `count`. */
  readonly would: () => string;
  /** "remove 3 dead jobs for good" */
  readonly question: (size: number) => string;
  /** Whether it cannot be undone. Then it needs a confirmation, even without a terminal. */
  readonly isFinal: boolean;
  /** "dead job" */
  readonly noun: string;
  /** "removed" */
  readonly past: string;
  /** The output for programs. */
  readonly document: (done: number) => object;
  /** The output for people. */
  readonly outcome: (done: number) => string;
  /** The output for people if no job matches. */
  readonly nothing: string;
  /** Counts the jobs that it would change. */
  count(): Promise<number>;
  /** Changes the jobs, and returns how many. Calls `progress` with the number so far. */
  apply(progress: (done: number) => void): Promise<number>;
}

/** "all 5,000 dead jobs", "3 ready jobs named send_email" */
export function describeSelection(selection: DeadSelection | PendingSelection, size: number, kind: string): string {
  const jobs = `${count(size)} ${kind} ${size === 1 ? "job" : "jobs"}`;
  if ("all" in selection) return `all ${jobs}`;
  if ("group" in selection) return `${jobs} of the group ${selection.group}`;
  return "name" in selection ? `${jobs} named ${printable(selection.name)}` : jobs;
}

/** A command that failed after it had changed some jobs. It exits like its cause, and also says what was done. */
export class PartlyDone extends Error {
  override readonly name = "PartlyDone";
  /** What programs get beside the error: the same fields as after a success. */
  readonly document: object;

  /** @param done "2,000 jobs had been removed before." */
  constructor(done: string, document: object, cause: unknown) {
    super(done, { cause });
    this.document = document;
  }
}

export interface ChangeOptions {
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
}

/** Changes jobs, after a question. @returns how many; undefined for a dry run. @throws {PartlyDone} after the first. */
export async function changeJobs(
  label: string,
  change: Change,
  { dryRun, yes }: ChangeOptions,
  session: Session,
): Promise<number | undefined> {
  const { isFinal, noun, document, outcome, nothing } = change;
  if (dryRun) {
    const size = await change.count();
    session.print({ ...document(size), dryRun: true }, () => `${counted(size, noun)} would ${change.would()}.`);
    return undefined;
  }
  const question = async () => {
    const size = await change.count();
    return size > 0 ? `${label}: ${change.question(size)}?` : undefined;
  };
  const isSure = yes || (!isFinal && !session.canAsk);
  const isWanted = isFinal ? await session.confirm(question, yes) : isSure || (await session.ask(question));
  const done = isWanted ? await applied(change) : 0;
  session.print(document(done), () => (done > 0 ? outcome(done) : nothing));
  return done;
}

async function applied(change: Change): Promise<number> {
  const { past, document } = change;
  let done = 0;
  try {
    return await change.apply((soFar) => {
      done = soFar;
    });
  } catch (error) {
    if (done === 0) throw error;
    throw new PartlyDone(`${counted(done, "job")} had been ${past} before.`, document(done), error);
  }
}
