import type { DocumentEdit, Documents } from "../../core/manage/documents.ts";
import { conflict } from "../../core/shared/errors.ts";
import { bytesOf } from "../../core/shared/limits.ts";
import type { StoredDocument } from "../../core/store/documents.ts";
import type { StoredBody } from "../body.ts";
import type { Run, RunStep } from "./run.ts";

/** How long a run is known after its end, for its logs and so that its id begins no second one. */
const KEPT_AFTER_END = "3d";

/** How many bytes the document of a run may have with the bodies of its steps. Further ones get documents of their own. */
const MOST_INLINE_BYTES = 128 * 1024;

/** How often a run is read again that others change at the same time. */
const MOST_TRIES = 50;

const RUN = "workflow-run";
const STEP = "workflow-step";
const LOG = "workflow-log";

/** What is known of a run without reading it. */
export type RunSummary = Pick<Run, "id" | "url" | "createdAt" | "state"> & { readonly labels?: readonly string[] };

/** The runs of workflows, as documents of a queue: one for each run, one that lists it by its time, and those of large steps. */
export class Runs {
  readonly #documents: Documents;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  async find(id: string): Promise<Run | undefined> {
    const found = await this.#documents.get(RUN, id);
    return found && runOf(found);
  }

  /** Stores a new run. @returns false if there is one with its id. */
  create(run: Run): Promise<boolean> {
    return this.#store(run, run.steps.length, null);
  }

  /**
   * Changes a run by what it holds, again if another invocation changes it meanwhile.
   *
   * @param change gives the changed run, or undefined to leave it as it is. It may only add steps. It may be called several times.
   * @returns the run as it then is; undefined if there is none.
   * @throws {TidegateError} `conflict` if others kept changing it; `payload_too_large`
   */
  async change(id: string, change: (run: Run) => Run | undefined): Promise<Run | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const found = await this.#documents.get(RUN, id);
      const run = found && runOf(found);
      const changed = run && change(run);
      if (!changed) return run;
      if (await this.#store(changed, changed.steps.length - run.steps.length, found)) return changed;
    }
    throw conflict("The run keeps changing. Try again.");
  }

  /** Removes a run with all that belongs to it. */
  async remove(run: Run): Promise<void> {
    const names = [RUN, LOG].map((kind) => ({ kind, name: kind === RUN ? run.id : logName(run), text: undefined }));
    await this.#documents.change([
      ...names,
      ...ownDocuments(run).map((name) => ({ kind: STEP, name, text: undefined })),
    ]);
  }

  /** The bodies of the first steps of a run, in order. */
  async bodiesOf(run: Run, count: number): Promise<readonly StoredBody[]> {
    const steps = run.steps.slice(0, count);
    const own = steps.some(({ body }) => !body) ? await this.#ownBodies(run) : new Map<string, StoredBody>();
    return steps.map(({ body }, index) => body ?? own.get(stepName(run, index)) ?? {});
  }

  /** Lists the runs that are known, the newest first. */
  async list(cursor: string | undefined, limit: number) {
    const page = await this.#documents.list(LOG, { cursor, limit, isReversed: true });
    return {
      runs: page.items.map(({ name, text }) => ({ place: name, summary: JSON.parse(text) as RunSummary })),
      cursor: page.cursor,
    };
  }

  async #store(run: Run, added: number, from: StoredDocument | null): Promise<boolean> {
    const hasEnded = run.state !== "started" && run.state !== "failed";
    const ttl = hasEnded ? KEPT_AFTER_END : undefined;
    const { kept, apart } = this.#spread(run, added);
    const edits: DocumentEdit[] = [{ kind: RUN, name: run.id, text: JSON.stringify(kept), from, ttl }, ...apart];
    if (!from || run.state !== "started") edits.push({ kind: LOG, name: logName(run), text: summaryOf(run), ttl });
    if (hasEnded) {
      const own = await this.#ownBodies(run);
      for (const [name, body] of own) edits.push({ kind: STEP, name, text: JSON.stringify(body), ttl });
    }
    return this.#documents.change(edits);
  }

  /** Gives the added steps documents of their own if they make that of the run too large. */
  #spread(run: Run, added: number): { readonly kept: Run; readonly apart: readonly DocumentEdit[] } {
    let room =
      MOST_INLINE_BYTES - bytesOf(JSON.stringify({ ...run, steps: run.steps.slice(0, run.steps.length - added) }));
    const apart: DocumentEdit[] = [];
    const steps = run.steps.map((step, index): RunStep => {
      if (index < run.steps.length - added || !step.body) return step;
      const text = JSON.stringify(step.body);
      room -= bytesOf(text);
      if (room >= 0) return step;
      apart.push({ kind: STEP, name: stepName(run, index), text });
      const { body: _, ...rest } = step;
      return rest;
    });
    return { kept: { ...run, steps }, apart };
  }

  async #ownBodies(run: Run): Promise<ReadonlyMap<string, StoredBody>> {
    const bodies = new Map<string, StoredBody>();
    if (ownDocuments(run).length === 0) return bodies;
    let cursor: string | undefined;
    do {
      const page = await this.#documents.list(STEP, { prefix: `${run.id}/`, cursor });
      for (const { name, text } of page.items) bodies.set(name, JSON.parse(text) as StoredBody);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return bodies;
  }
}

function runOf({ text }: StoredDocument): Run {
  return JSON.parse(text) as Run;
}

function summaryOf({ id, url, createdAt, state, options }: Run): string {
  const summary: RunSummary = { id, url, createdAt, state, ...(options.labels && { labels: options.labels }) };
  return JSON.stringify(summary);
}

/** Documents are listed by their names: of these the latest comes last. */
function logName({ id, createdAt }: Pick<Run, "id" | "createdAt">): string {
  return `${String(createdAt).padStart(15, "0")}/${id}`;
}

function stepName({ id }: Pick<Run, "id">, index: number): string {
  return `${id}/${String(index).padStart(6, "0")}`;
}

function ownDocuments(run: Run): readonly string[] {
  return run.steps.flatMap(({ body }, index) => (body ? [] : [stepName(run, index)]));
}
