import { type EncryptionOptions, readEncryption } from "../encryption/keys.ts";
import { type AnyJob, checkJobOptions } from "../job/define.ts";
import { LONGEST_NAME, longestTimeoutMs } from "../job/options.ts";
import type { Alert } from "../observe/alerts.ts";
import { type Hooks, readHooks } from "../observe/hooks.ts";
import { type Logger, readLogger } from "../observe/log.ts";
import { checkTracing, type Tracing } from "../observe/tracing.ts";
import { type Wake, WakeCalls } from "../observe/wake.ts";
import { type Clock, systemClock, wholeClock } from "../shared/clock.ts";
import { type Duration, durationMs } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import { timeOrderedIds } from "../shared/id.ts";
import { checkFlag, checkFunctions, checkPathText, knownOptions } from "../shared/validate.ts";
import { checkStore, type ProducerStore, type Store } from "../store/store.ts";

/** Options of a queue. */
export interface QueueOptions {
  /**
   * 1 to 128 characters, without braces and slashes. Queues with different names can share a store and are otherwise
   * independent. Default "default".
   */
  readonly name?: string | undefined;
  /** Keeps the jobs: `upstashStore`, `redisStore` or `memoryStore`. */
  readonly store: Store;
  /** The jobs that drains of this queue can perform. The first drain activates the schedules that they declare. */
  readonly jobs?: readonly AnyJob[] | undefined;
  /** Gives ms since 1970; fractions are cut off. Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Gives a number from 0 up to, not including, 1. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Creates ids, in order of time. Default: UUIDv7. */
  readonly newId?: (() => string) | undefined;
  /** How long completed jobs are kept with their result. Default "24h"; 0 keeps none. */
  readonly retention?: Duration | undefined;
  /**
   * Whether to keep what only people read: metrics by job type, and groups of failures. If false, `getFigures` finds
   * nothing. Default true.
   */
  readonly observe?: boolean | undefined;
  /**
   * Sends a message when jobs die: `slack(url)` and `webhook(url, { secret })` from `tidegate/alerts`, up to 20. Each
   * group of failures causes one message an hour while it grows, and one when it is over. The message is one of the
   * queue's jobs, stored with the dead job's outcome. Needs `observe`. Default: none.
   */
  readonly alerts?: readonly Alert[] | undefined;
  /** Functions to call when something happens to a job, for logs and the like. Default: none. */
  readonly hooks?: Hooks | undefined;
  /**
   * Gets one line for each failed attempt: `logger.warn` if the job will be retried, `logger.error` if it is dead. A
   * line has the name and id of the job, the attempt and the error, and never a payload. `logger.warn` also reports
   * declared schedules that cannot be activated. `logger.error` reports, once a minute, that the database was emptied
   * or has lost records. Default: `console`; null for none.
   */
  readonly logger?: Logger | null | undefined;
  /** Traces enqueues and attempts, as `tracing()` from `tidegate/telemetry` does with OpenTelemetry. Default: none. */
  readonly tracing?: Tracing | undefined;
  /**
   * Asks the platform to drain the queue, no later than a time in ms since 1970: `durableObjectWake` from
   * `tidegate/cloudflare`, `qstashWake` from `tidegate/qstash`, `timerWake` from `tidegate/node`, or a function of your
   * own. The queue calls it when something will be due earlier than it has asked for so far, at most about once a
   * second for jobs that are due now, and after each drain for what is due next. The call that caused it waits for it
   * for at most two seconds; `POST /jobs` responds immediately and keeps the invocation alive instead. If it fails, a
   * line is logged and nothing else happens, so keep a cron that ticks every hour. Default: none.
   */
  readonly wake?: Wake | undefined;
  /**
   * Signs the tokens of `watchToken`, and lets the handler of this queue accept them: at least 16 characters, such as
   * `openssl rand -hex 32` prints. To replace it, pass an array: the first secret signs, and all of them are accepted.
   * Default: none.
   */
  readonly watchSecret?: string | readonly string[] | undefined;
  /**
   * Encrypts your data in the store: payloads, results, progress, log lines, error messages and stacks, step results
   * and signal data, with AES-256-GCM. `current` names the key that encrypts; the others in `keys` still decrypt.
   * Names, ids and flow control keys stay readable. Every queue and producer of the same name needs the keys. Default:
   * nothing is encrypted.
   */
  readonly encryption?: EncryptionOptions | undefined;
}

/** Options of a producer. */
export interface ProducerOptions
  extends Pick<
    QueueOptions,
    "name" | "jobs" | "clock" | "newId" | "hooks" | "logger" | "tracing" | "wake" | "encryption"
  > {
  /** Keeps the jobs: `upstashProducerStore`, or any store of a queue. */
  readonly store: ProducerStore;
}

export const producerOptions = [
  ...["name", "store", "jobs", "clock", "newId", "hooks", "logger", "tracing", "wake", "encryption"],
];
export const queueOptions = [...producerOptions, "random", "retention", "observe", "watchSecret", "alerts"];

/** Checks the options of a queue or a producer, of which `taker` has these names, and adds the defaults. */
export function readOptions<Kept extends ProducerStore>(
  given: Omit<QueueOptions, "store"> & { readonly store: Kept },
  names: readonly string[],
  taker: string,
) {
  const options = knownOptions(given, names, taker);
  const { name = "default", store, random = Math.random, retention = "24h", observe = true } = options;
  checkPathText(name, "the queue's name", LONGEST_NAME);
  if (/[{}/]/.test(name))
    throw invalidRequest(
      "the queue's name may not hold braces or slashes: they have a meaning in the names of its keys and in paths.",
    );
  checkStore(store, taker);
  checkFlag(observe, "observe");
  checkFunctions(options, ["clock", "random", "newId", "wake"]);
  const source = options.clock ?? systemClock;
  if (!Number.isFinite(source())) throw invalidRequest("clock must give milliseconds since 1970, as Date.now does.");
  const clock = wholeClock(source);
  const newId = options.newId ?? timeOrderedIds(clock);
  const definitions = byName(options.jobs ?? []);
  const logger = readLogger(options.logger);
  return {
    queue: name,
    store,
    definitions,
    clock,
    random,
    newId,
    retentionMs: durationMs(retention, "retention"),
    observe,
    longestTimeoutMs: longestTimeoutMs(definitions.values()),
    hooks: readHooks(options.hooks),
    logger,
    tracing: checkTracing(options.tracing),
    encryption: readEncryption(options.encryption),
    wakes: options.wake && new WakeCalls(options.wake, clock, logger),
  };
}

function byName(jobs: readonly AnyJob[]): ReadonlyMap<string, AnyJob> {
  if (!Array.isArray(jobs)) throw invalidRequest("jobs must be an array of definitions from defineJob.");
  const map = new Map<string, AnyJob>();
  for (const job of jobs) {
    if (job === undefined)
      throw invalidRequest(
        "One of the jobs is undefined. If its file imports the file of this queue, the two import each other, and one is loaded before the other is ready: enqueue with job.enqueue inside of jobs.",
      );
    checkJobOptions(job);
    if (map.has(job.name)) throw invalidRequest(`Two jobs are named "${job.name}".`);
    map.set(job.name, job);
  }
  return map;
}
