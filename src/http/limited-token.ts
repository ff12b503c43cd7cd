import type { Sender } from "../core/job/inner-options.ts";
import { isReservedName } from "../core/job/reserved.ts";
import type { JobInfo } from "../core/manage/job-info.ts";
import { readJob } from "../core/manage/jobs.ts";
import { internalsOf } from "../core/queue/internals.ts";
import type { Queue } from "../core/queue/queue.ts";
import { hexOf, sha256 } from "../core/shared/bytes.ts";
import { forbidden, invalidRequest, isTidegateError, quote } from "../core/shared/errors.ts";
import { knownOptions } from "../core/shared/validate.ts";

/**
 * A token for somebody whom you trust with some jobs, such as a partner or a page. It enqueues these jobs, within the
 * bounds of the scope `enqueue`, and sees only what it has enqueued. Other jobs are unknown to it.
 *
 * It never gets more than that: `enqueueOptions: "all"` does not apply to it, and `auth` can list it only once.
 */
export interface LimitedToken {
  /** The token: 12 to 1,000 visible ASCII characters. */
  readonly token: string;
  /** The names of the jobs that it may enqueue. At least one of the handler's queues must have each of them. */
  readonly jobs: readonly string[];
  /**
   * The flow control keys that its jobs may have. With "*" at the end, as in "mail-*", every key with this prefix. Each
   * job must then have such a key, chosen by the call or by the definition. Default: the call cannot choose a key.
   */
  readonly flowKeys?: readonly string[] | undefined;
  /**
   * Who holds it, such as "acme": 1 to 64 letters, digits, dots, hyphens and underscores. Tokens of the same name see
   * the same jobs, so give one to replace a token without losing sight of its jobs. It is stored with each job and
   * shown as `enqueuedBy`. Default: "token:" and a hash of the token, different for each token.
   */
  readonly name?: string | undefined;
}

export interface Limits {
  /** Undefined for the hash of the token. */
  readonly name: string | undefined;
  readonly jobs: ReadonlySet<string>;
  readonly flowKeys: readonly string[] | undefined;
}

export interface LimitedCaller extends Omit<Limits, "name"> {
  /** Who enqueues, as it is stored with each job. */
  readonly by: string;
}

const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;
const HASH_LENGTH = 12;

/** @param at where it is in `auth`, for messages. @param jobNames undefined if the queues take any job. */
export function readLimits(given: object, at: string, jobNames: ReadonlySet<string> | undefined): Limits {
  const { jobs, flowKeys, name } = knownOptions(given as LimitedToken, ["token", "jobs", "flowKeys", "name"], at);
  const names = textsOf(jobs, `${at}.jobs`, "the names of the jobs that the token may enqueue");
  const reserved = names.find(isReservedName);
  if (reserved !== undefined) throw invalidRequest(`${at}.jobs: ${quote(reserved)} is a reserved name.`);
  const unknown = names.find((each) => jobNames && !jobNames.has(each));
  if (unknown !== undefined) throw invalidRequest(`${at}.jobs: no queue of this handler has a job ${quote(unknown)}.`);
  const patterns = flowKeys && textsOf(flowKeys, `${at}.flowKeys`, 'flow control keys, such as "mail-*"');
  if (patterns?.some((pattern) => pattern.slice(0, -1).includes("*")))
    throw invalidRequest(`${at}.flowKeys: "*" can only be the last character of a key.`);
  return { name: tokenName(name, `${at}.name`), jobs: new Set(names), flowKeys: patterns };
}

export function tokenName(name: unknown, at: string): string | undefined {
  if (name === undefined || (typeof name === "string" && NAME.test(name))) return name;
  throw invalidRequest(`${at} must be 1 to 64 letters, digits, dots, hyphens and underscores, such as "acme".`);
}

function textsOf(value: unknown, name: string, what: string): readonly string[] {
  const isText = (each: unknown) => typeof each === "string" && each !== "";
  if (!Array.isArray(value) || value.length === 0 || !value.every(isText))
    throw invalidRequest(`${name} must be an array of ${what}.`);
  return value;
}

export async function limitedCaller(token: string, { name, ...limits }: Limits): Promise<LimitedCaller> {
  // It is stored, and nobody can tell the token by it.
  const hash = hexOf(await sha256(`tidegate sender ${token}`)).slice(0, HASH_LENGTH);
  return { ...limits, by: name ?? `token:${hash}` };
}

/** Refuses a job that the token may not enqueue, whether it exists or not. @throws {TidegateError} `forbidden` */
export function refuseOtherJobs(
  { jobs, flowKeys }: LimitedCaller,
  job: { readonly name: string; readonly flowControl?: { readonly key?: string | undefined } | undefined },
): void {
  if (!jobs.has(job.name)) throw forbidden(`This token may not enqueue ${quote(job.name)}, only: ${listOf(jobs)}.`);
  if (!flowKeys && job.flowControl?.key !== undefined)
    throw forbidden("This token may not choose a flow control key. Leave flowControl out.");
}

export function senderFor({ by, flowKeys }: LimitedCaller): Sender {
  return {
    name: by,
    checkFlowKey(key) {
      if (!flowKeys || (key !== undefined && flowKeys.some((pattern) => matches(pattern, key)))) return;
      const problem = key === undefined ? "needs a flow control key" : "may not use this flow control key";
      throw forbidden(`A job of this token ${problem}. Set flowControl.key to one of: ${listOf(flowKeys)}.`);
    },
  };
}

function matches(pattern: string, key: string): boolean {
  return pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
}

/**
 * Reads a job for a caller. A limited one sees what it has enqueued, without what holds it back. For all else it gets
 * null, after the same requests as for an unknown id: also for a job that cannot be read, since its sender is unknown.
 */
export async function jobFor(limits: LimitedCaller | undefined, queue: Queue, id: string): Promise<JobInfo | null> {
  if (!limits) return queue.getJob(id);
  const found = await readJob(internalsOf(queue), id).catch((error) => {
    if (isTidegateError(error) && error.code === "conflict") return null;
    throw error;
  });
  return found && isSeenBy(limits, found) ? found : null;
}

export function isSeenBy(limits: LimitedCaller | undefined, { enqueuedBy }: JobInfo): boolean {
  return limits === undefined || enqueuedBy === limits.by;
}

const listOf = (texts: Iterable<string>) => [...texts].join(", ");
