import type { AttemptHost } from "../../core/job/inner-options.ts";
import { conflict } from "../../core/shared/errors.ts";
import { bytesOf, inPieces, MEBIBYTE } from "../../core/shared/limits.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import type { StoredBody } from "../messages/body.ts";
import { type MessageJob, storedJob } from "../messages/message-job.ts";
import { type DocumentEdit, Documents } from "../shared/documents.ts";
import type { Run, RunStep } from "./run.ts";
import { Waits } from "./wait-documents.ts";

/** How long a run is kept after its end: for its logs, and so that its id starts no second run. */
const KEPT_AFTER_END = "3d";

/** The largest document of a run with the bodies of its steps. Further bodies get documents of their own. */
const MOST_INLINE_BYTES = 128 * 1024;

const MOST_WRITTEN_BYTES = 3 * MEBIBYTE;

const LISTED_AT_ONCE = 100;

const RUN = "workflow-run";
const STEP = "workflow-step";
const LOG = "workflow-log";

/** What the log shows of a run without reading the run. */
export type RunSummary = Pick<Run, "id" | "url" | "createdAt" | "state"> & {
  readonly labels?: readonly string[];
  readonly flowControlKey?: string;
};

/** The runs of workflows, as documents of a queue: one for each run, one for its place in the log, and large steps. */
export class Runs {
  readonly #documents: Documents;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  async find(id: string): Promise<Run | undefined> {
    return (await this.#documents.get<Run>(RUN, id))?.value;
  }

  /** Stores a new run. @returns false if its id exists */
  async create(run: Run): Promise<boolean> {
    const { kept, apart } = spread(run, run.steps.length);
    // Nobody reads them before the run is stored.
    const early = apart.length > 0 && !(await this.find(run.id)) ? apart : [];
    await this.#write(early);
    return this.#documents.change([newRun(kept), logOf(run)]);
  }

  /** Stores a run, unless the step has invoked one. @returns the invoked run; undefined if the invoker has ended. */
  async invoke(run: Run, invokerId: string, step: number): Promise<Run | undefined> {
    let invoked: Run | undefined;
    await this.#documents.update<Run>(RUN, invokerId, async (invoker) => {
      invoked = undefined;
      if (invoker?.state !== "started") return undefined;
      const known = invoker.invoked?.[step];
      invoked = known === undefined ? run : await this.find(known);
      if (known !== undefined) return undefined;
      if (await this.find(run.id)) throw conflict("There is a run with this id already.");
      const { kept, apart } = spread(run, run.steps.length);
      const value = { ...invoker, invoked: { ...invoker.invoked, [step]: run.id } };
      return { value, others: [newRun(kept), ...apart, logOf(run)] };
    });
    return invoked;
  }

  /** @param change undefined for no change. It may add steps, but not change or remove them. It may be called again. */
  async change(id: string, change: (run: Run) => Run | undefined): Promise<Run | undefined> {
    let run: Run | undefined;
    await this.#documents.update<Run>(RUN, id, async (before) => {
      const changed = before && change(before);
      run = changed ?? before;
      if (!changed) return undefined;
      const { kept, apart } = spread(changed, changed.steps.length - before.steps.length);
      const ttl = ttlOf(changed);
      if (ttl !== undefined) {
        const own = await this.#ownBodies(changed);
        await this.#write([...own].map(([name, value]) => ({ kind: STEP, name, value, ttl })));
      }
      return { value: kept, ttl, others: changed.state === "started" ? apart : [...apart, logOf(changed)] };
    });
    return run;
  }

  async bodiesOf(run: Run, count: number): Promise<readonly StoredBody[]> {
    const steps = run.steps.slice(0, count);
    const own = await this.#ownBodies({ id: run.id, steps });
    return steps.map(({ body }, index) => body ?? own.get(stepName(run, index)) ?? {});
  }

  async findLast(matches: (run: RunSummary) => boolean, count: number, cursor?: string) {
    return this.#documents.findLast(LOG, matches, { count, cursor, limit: LISTED_AT_ONCE });
  }

  async #write(edits: readonly DocumentEdit[]): Promise<void> {
    for (const piece of inPieces(edits, ({ value }) => JSON.stringify(value), MOST_WRITTEN_BYTES))
      await this.#documents.change(piece);
  }

  async #ownBodies(run: Pick<Run, "id" | "steps">): Promise<ReadonlyMap<string, StoredBody>> {
    const isWhole = run.steps.every(({ body }) => body);
    const own = isWhole ? [] : await this.#documents.all<StoredBody>(STEP, `${run.id}/`);
    return new Map(own.map(({ name, value }) => [name, value]));
  }
}

/** How long a run is kept. A failed one stays until somebody deals with it. */
function ttlOf({ state, isClosed }: Run): typeof KEPT_AFTER_END | undefined {
  return state === "started" || (state === "failed" && !isClosed) ? undefined : KEPT_AFTER_END;
}

function newRun(run: Run): DocumentEdit {
  return { kind: RUN, name: run.id, value: run, from: null };
}

/** The place of a run in the log. Documents are listed by name, so these are sorted by time. */
function logOf(run: Run): DocumentEdit {
  const name = `${String(run.createdAt).padStart(15, "0")}/${run.id}`;
  return { kind: LOG, name, value: summaryOf(run), ttl: ttlOf(run) };
}

export function summaryOf({ id, url, createdAt, state, options }: Run): RunSummary {
  const { labels, limits: { flowControlKey } = {} } = options;
  return withoutUndefined({ id, url, createdAt, state, labels, flowControlKey });
}

/** Moves the bodies of added steps to their own documents if the document of the run would be too large. */
function spread(run: Run, added: number): { readonly kept: Run; readonly apart: readonly DocumentEdit[] } {
  const before = run.steps.length - added;
  let room = MOST_INLINE_BYTES - bytesOf(JSON.stringify({ ...run, steps: run.steps.slice(0, before) }));
  const apart: DocumentEdit[] = [];
  const steps = run.steps.map((step, index): RunStep => {
    if (index < before || !step.body) return step;
    room -= bytesOf(JSON.stringify(step.body));
    if (room >= 0) return step;
    apart.push({ kind: STEP, name: stepName(run, index), value: step.body });
    const { body: _, ...rest } = step;
    return rest;
  });
  return { kept: { ...run, steps }, apart };
}

function stepName({ id }: Pick<Run, "id">, index: number): string {
  return `${id}/${String(index).padStart(6, "0")}`;
}

/** What is stored of runs, in a delivery as in a request. */
export interface RunStore {
  readonly runs: Runs;
  readonly waits: Waits;
  readonly now: number;
  enqueue(jobs: readonly MessageJob[]): Promise<unknown>;
}

export function runStore(documents: Documents, now: number): Omit<RunStore, "enqueue"> {
  return { runs: new Runs(documents), waits: new Waits(documents), now };
}

export function runStoreOf({ needs }: AttemptHost): RunStore {
  const now = needs.clock();
  return {
    ...runStore(new Documents(needs), now),
    enqueue: async (jobs) => needs.store.enqueue(await Promise.all(jobs.map((job) => storedJob(job, now))), now),
  };
}
