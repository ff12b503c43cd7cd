import type { EnqueueResult } from "../job/enqueue-result.ts";
import type { JobTrace } from "../job/trace-context.ts";
import { alarm, type Clock } from "../shared/clock.ts";
import { copyOfError } from "../shared/errors.ts";
import { inPieces, MOST_ENQUEUED_BYTES } from "../shared/limits.ts";
import type { LocalFacts, NewJob } from "../store/store.ts";
import type { EnqueueNeeds } from "./needs.ts";
import { finishJob, type JobDraft } from "./new-job.ts";

/**
 * A turn ends after this many microtasks without a new call: code that enqueues in a loop awaits a few of them in
 * between.
 */
const QUIET_MICROTASKS = 10;
/** How long a call waits for others of its turn whose schemas have not answered. */
const WAITS_FOR_SCHEMAS_MS = 1_000;

/**
 * The calls of one turn, which share requests. Each is checked separately, and gets its own answer.
 *
 * - When the turn ends, the checked jobs are stored, in the order of the calls. A call whose schema has not answered is
 *   left behind, and so is one that it must precede, because both have the same id, dedupe key or ordered key.
 * - Those left behind are stored together once all of them are checked, or after a second. A call that takes longer is
 *   then stored alone.
 *
 * Calls wait only for calls of their own turn: on Workers, one request may not await what another has started.
 */
export class Turn {
  /** Makes ids that let jobs be stored together. */
  readonly newId: (key?: string) => string;
  readonly #local: LocalFacts;
  readonly #clock: Clock;
  readonly #store: (jobs: readonly NewJob[]) => Promise<readonly EnqueueResult[]>;
  readonly #seats: Seat[] = [];
  /** The last request that stores something under an id or a dedupe key. */
  readonly #underWay = new Map<string, Promise<void>>();
  #end: Promise<void> | undefined;
  #departure: Promise<void> | undefined;
  #isOpen = true;

  /** @param store stores all of the jobs or none. One result per job, in order. */
  constructor(
    { store: { local }, newId, clock }: Pick<EnqueueNeeds, "store" | "newId" | "clock">,
    store: (jobs: readonly NewJob[]) => Promise<readonly EnqueueResult[]>,
  ) {
    this.newId = local.idSource(newId);
    this.#local = local;
    this.#clock = clock;
    this.#store = store;
  }

  /** Whether calls can still join. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Takes a seat for a job, behind those of earlier calls. */
  enter(draft: JobDraft): Seat {
    const seat = new Seat(draft);
    this.#seats.push(seat);
    this.#end ??= this.#untilQuiet();
    return seat;
  }

  /**
   * Makes the record of a job that has a seat, and waits until it is stored. Call it once for each seat.
   *
   * @throws as `finishJob` and the store; `invalid_request` for a job that the partitions of the queue cannot keep.
   */
  send(seat: Seat, trace: JobTrace | undefined): Promise<EnqueueResult> {
    // Started here and not with the turn, so that the request is in the trace of the first call.
    this.#departure ??= this.#end?.then(() => this.#depart());
    return seat.finish(this.#local, trace);
  }

  async #untilQuiet(): Promise<void> {
    for (let quiet = 0, calls = 0; quiet < QUIET_MICROTASKS; quiet++) {
      if (this.#seats.length > calls) quiet = 0;
      calls = this.#seats.length;
      await undefined;
    }
    this.#isOpen = false;
  }

  async #depart(): Promise<void> {
    const seats = this.#seats.splice(0);
    this.#send(inOrder(seats));
    const behind = seats.filter(({ state }) => state !== "gone");
    if (behind.length > 1) await this.#untilChecked(behind);
    this.#send(behind);
    for (const seat of behind) void seat.checked.then(() => this.#send([seat]));
  }

  #untilChecked(seats: readonly Seat[]): Promise<void> {
    return new Promise((resolve) => {
      const callOff = alarm(this.#clock, WAITS_FOR_SCHEMAS_MS, resolve);
      void Promise.all(seats.map(({ checked }) => checked)).then(() => {
        callOff();
        resolve();
      });
    });
  }

  /** Sends what is checked. A piece waits for an earlier one only if both have a job of the same id or dedupe key. */
  #send(seats: readonly Seat[]): void {
    for (const piece of piecesOf(seats.filter(({ state }) => state === "checked"))) {
      const keys = piece.flatMap((seat) => seat.keys);
      const earlier = new Set(keys.flatMap((key) => this.#underWay.get(key) ?? []));
      const stored = Promise.all(earlier).then(() => this.#storePiece(piece));
      for (const key of keys) this.#underWay.set(key, stored);
      for (const seat of piece) seat.state = "gone";
    }
  }

  async #storePiece(piece: readonly Seat[]): Promise<void> {
    try {
      const results = await this.#store(piece.flatMap(({ job }) => job ?? []));
      for (const [index, seat] of piece.entries()) seat.answer(results[index] as EnqueueResult);
    } catch (error) {
      for (const seat of piece) seat.fail(copyOfError(error));
    }
  }
}

/** One call of a turn. */
class Seat {
  partition = 0;
  /** What must be unique to a job: of two calls with the same one, the first decides the answer to the second. */
  readonly keys: readonly string[];
  /** "gone" once the job is on the way to the store, or refused. */
  state: "checking" | "checked" | "gone" = "checking";
  job: NewJob | undefined;
  /** Resolves when the check has ended, well or not. */
  readonly checked: Promise<void>;
  answer: (result: EnqueueResult) => void = () => {};
  fail: (error: unknown) => void = () => {};
  readonly #draft: JobDraft;
  readonly #answered: Promise<EnqueueResult>;
  #noteChecked = () => {};

  constructor(draft: JobDraft) {
    const { id, dedupe, flow } = draft.job;
    this.#draft = draft;
    this.keys = [
      `id ${id}`,
      ...(dedupe ? [`dedupe ${dedupe.key}`] : []),
      ...(flow?.limits.ordered ? [`flow ${flow.key}`] : []),
    ];
    this.checked = new Promise((resolve) => {
      this.#noteChecked = resolve;
    });
    this.#answered = new Promise((resolve, reject) => {
      this.answer = resolve;
      this.fail = reject;
    });
  }

  async finish(local: LocalFacts, trace: JobTrace | undefined): Promise<EnqueueResult> {
    try {
      this.partition = local.partitionOf(this.#draft.job);
      const job = finishJob(this.#draft, trace);
      this.job = job instanceof Promise ? await job : job;
      this.state = "checked";
    } catch (error) {
      this.state = "gone";
      throw error;
    } finally {
      this.#noteChecked();
    }
    return this.#answered;
  }
}

/** The seats that can go: without those still being checked, and those that these must precede. */
function inOrder(seats: readonly Seat[]): readonly Seat[] {
  const awaited = new Set<string>();
  return seats.filter(({ keys, state }) => {
    const canGo = state === "checked" && !keys.some((key) => awaited.has(key));
    if (!canGo && state !== "gone") for (const key of keys) awaited.add(key);
    return canGo;
  });
}

/** The jobs of one request: of one partition, and within the limits of a request. */
function piecesOf(seats: readonly Seat[]): readonly (readonly Seat[])[] {
  const pieces: (readonly Seat[])[] = [];
  for (const partition of new Set(seats.map((seat) => seat.partition))) {
    const here = seats.filter((seat) => seat.partition === partition);
    pieces.push(...inPieces(here, ({ job }) => job?.record ?? "", MOST_ENQUEUED_BYTES));
  }
  return pieces;
}
