import type { EnqueueResult } from "../job/enqueue.ts";
import type { JobTrace } from "../job/trace-context.ts";
import { alarm, type Clock } from "../shared/clock.ts";
import { copyOfError } from "../shared/errors.ts";
import { inPieces, MOST_ENQUEUED_BYTES } from "../shared/limits.ts";
import type { NewJob } from "../store/store.ts";
import type { EnqueueContext } from "./context.ts";
import { finishJob, type JobDraft } from "./new-job.ts";

/** A turn ends after so many microtasks without a new call: loops that enqueue await a few in between. */
const QUIET_MICROTASKS = 10;
/** How long a call waits for others of its turn that are still being checked. */
const WAITS_FOR_SCHEMAS_MS = 1_000;

/**
 * The calls of one turn of the event loop, which share requests. Each is checked separately, and gets its own result.
 *
 * - When the turn ends, the checked jobs are stored, in the order of the calls. A call with a slow schema stays behind.
 *   So do later calls with the same id, dedupe key or ordered key.
 * - The calls that stay behind are stored together once all of them are checked, or after a second. A call that takes
 *   longer is stored alone.
 *
 * Calls wait only for calls of their own turn: on Workers, one request may not await what another has started.
 */
export class Turn {
  readonly #clock: Clock;
  readonly #store: (jobs: readonly NewJob[]) => Promise<readonly EnqueueResult[]>;
  readonly #calls: TurnCall[] = [];
  /** The last request that stores something under an id or a dedupe key. */
  readonly #underWay = new Map<string, Promise<void>>();
  #end: Promise<void> | undefined;
  #sent: Promise<void> | undefined;
  /** Whether calls can still join. Only this class changes it. */
  isOpen = true;

  /** @param store stores all of the jobs or none. One result per job, in order. */
  constructor(
    { clock }: Pick<EnqueueContext, "clock">,
    store: (jobs: readonly NewJob[]) => Promise<readonly EnqueueResult[]>,
  ) {
    this.#clock = clock;
    this.#store = store;
  }

  join(draft: JobDraft): TurnCall {
    const call = new TurnCall(draft);
    this.#calls.push(call);
    this.#end ??= this.#untilQuiet();
    return call;
  }

  /** Makes the record of a job that has joined, and waits until it is stored: once for each. @throws as `finishJob` */
  send(call: TurnCall, trace: JobTrace | undefined): Promise<EnqueueResult> {
    // Started here and not with the turn, so that the request is in the trace of the first call.
    this.#sent ??= this.#end?.then(() => this.#sendAll());
    return call.finish(trace);
  }

  async #untilQuiet(): Promise<void> {
    for (let quiet = 0, count = 0; quiet < QUIET_MICROTASKS; quiet++) {
      if (this.#calls.length > count) quiet = 0;
      count = this.#calls.length;
      await undefined;
    }
    this.isOpen = false;
  }

  async #sendAll(): Promise<void> {
    const calls = this.#calls.splice(0);
    this.#send(inOrder(calls));
    const behind = calls.filter(({ state }) => state !== "ended");
    if (behind.length > 1) await this.#untilChecked(behind);
    this.#send(behind);
    for (const call of behind) void call.checked.then(() => this.#send([call]));
  }

  #untilChecked(calls: readonly TurnCall[]): Promise<void> {
    return new Promise((resolve) => {
      const cancel = alarm(this.#clock, WAITS_FOR_SCHEMAS_MS, resolve);
      void Promise.all(calls.map(({ checked }) => checked)).then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Sends the checked calls. A piece waits for an earlier one only if both have a job of the same id or dedupe key. */
  #send(calls: readonly TurnCall[]): void {
    const checked = calls.filter(({ state }) => state === "checked");
    for (const piece of inPieces(checked, ({ job }) => job?.record ?? "", MOST_ENQUEUED_BYTES)) {
      const keys = piece.flatMap((call) => call.keys);
      const earlier = new Set(keys.flatMap((key) => this.#underWay.get(key) ?? []));
      const stored = Promise.all(earlier).then(() => this.#storePiece(piece));
      for (const key of keys) this.#underWay.set(key, stored);
      for (const call of piece) call.state = "ended";
    }
  }

  async #storePiece(piece: readonly TurnCall[]): Promise<void> {
    try {
      const results = await this.#store(piece.flatMap(({ job }) => job ?? []));
      for (const [index, call] of piece.entries()) call.succeed(results[index] as EnqueueResult);
    } catch (error) {
      for (const call of piece) call.fail(copyOfError(error));
    }
  }
}

class TurnCall {
  /** What must be unique to a job: of two calls with the same one, the first decides the result of the second. */
  readonly keys: readonly string[];
  /** "ended" once the job is on the way to the store, or refused. */
  state: "checking" | "checked" | "ended" = "checking";
  job: NewJob | undefined;
  /** Resolves when the job is checked or refused. */
  readonly checked: Promise<void>;
  succeed: (result: EnqueueResult) => void = () => {};
  fail: (error: unknown) => void = () => {};
  readonly #draft: JobDraft;
  readonly #result: Promise<EnqueueResult>;
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
    this.#result = new Promise((resolve, reject) => {
      this.succeed = resolve;
      this.fail = reject;
    });
  }

  async finish(trace: JobTrace | undefined): Promise<EnqueueResult> {
    try {
      const job = finishJob(this.#draft, trace);
      this.job = job instanceof Promise ? await job : job;
      this.state = "checked";
    } catch (error) {
      this.state = "ended";
      throw error;
    } finally {
      this.#noteChecked();
    }
    return this.#result;
  }
}

/** The calls that can be sent: all that are checked, except those that must wait for an earlier one. */
function inOrder(calls: readonly TurnCall[]): readonly TurnCall[] {
  const awaited = new Set<string>();
  return calls.filter(({ keys, state }) => {
    const canGo = state === "checked" && !keys.some((key) => awaited.has(key));
    if (!canGo && state !== "ended") for (const key of keys) awaited.add(key);
    return canGo;
  });
}
