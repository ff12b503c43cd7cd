import { counted } from "./output/text.ts";
import { PartlyDone } from "./partly-done.ts";
import type { Session } from "./session.ts";

/** A change of many jobs. */
export interface Change {
  /** What it would do, without a verb, such as "be removed", or "run in 5 minutes". Asked after `count`. */
  readonly would: () => string;
  /** The question before it, for so many jobs: "remove 3 dead jobs for good". */
  readonly question: (size: number) => string;
  /** Whether something is lost. Then it needs a confirmation, also without a terminal. */
  readonly isFinal: boolean;
  /** What the jobs are: "dead job". */
  readonly noun: string;
  /** What has been done to them, in an error: "removed". */
  readonly past: string;
  /** What a program gets. */
  readonly document: (done: number) => object;
  /** What people get. */
  readonly outcome: (done: number) => string;
  readonly nothing: string;
  /** Counts the jobs that it would change. */
  count(): Promise<number>;
  /** Changes them, and gives how many. `progress` is called with how many are changed so far. */
  apply(progress: (done: number) => void): Promise<number>;
}

export interface ChangeOptions {
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
}

/**
 * Changes jobs, after a question. With `dryRun` it only counts them.
 *
 * @returns how many it has changed; undefined for a dry run.
 * @throws {PartlyDone} if it fails after it has changed some.
 */
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
  // A change that loses nothing needs no confirmation without a terminal.
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
