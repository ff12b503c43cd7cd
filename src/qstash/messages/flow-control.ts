import {
  type FlowControlLimits,
  type FlowControlOptions,
  flowLimits,
  HIGHEST_LIMIT,
  LONGEST_FLOW_KEY,
} from "../../core/job/flow-control.ts";
import { reserved } from "../../core/job/reserved.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { invalidRequest } from "../../core/shared/errors.ts";
import { checkPathText } from "../../core/shared/validate.ts";
import { durationOrSeconds } from "../shared/durations.ts";

/** What limits the deliveries of a message, as the API shows it. */
export interface MessageLimits {
  readonly flowControlKey?: string;
  readonly parallelism?: number;
  readonly rate?: number;
  /** In seconds. */
  readonly period?: number;
  readonly queueName?: string;
}

/** The limits of a message, and the queue's own flow control that keeps them. */
export interface Limited {
  readonly limits: MessageLimits;
  readonly flowControl: FlowControlOptions;
}

// Keys of flow control are the queue's own: these prefixes keep those of messages apart from those of other jobs, and
// nobody else sets their limits.
const KEY_PREFIX = `${reserved.key}key:`;
const QUEUE_PREFIX = `${reserved.key}queue:`;

export function flowKeyOf(key: string): string {
  checkPathText(key, "The flow control key", LONGEST_FLOW_KEY - KEY_PREFIX.length);
  return KEY_PREFIX + key;
}

/** The key of a message by the key of the queue; undefined if it is another one's. */
export function messageKeyOf(key: string): string | undefined {
  return key.startsWith(KEY_PREFIX) ? key.slice(KEY_PREFIX.length) : undefined;
}

/** @throws {TidegateError} `invalid_request` for a name that is none. */
export function queueKeyOf(name: string): string {
  if (!/^[\w.-]{1,200}$/.test(name))
    throw invalidRequest("The name of a queue must be 1 to 200 letters, digits, hyphens, underscores or dots.");
  checkPathText(name, "The name of a queue", 200);
  return QUEUE_PREFIX + name;
}

/** What keeps the parallelism of a queue: with 1, its messages are delivered strictly in order. */
export function queueLimits(parallelism: number): FlowControlOptions {
  return parallelism === 1 ? { ordered: true } : { concurrency: parallelism };
}

/**
 * Sets and pins the limits of a key of messages.
 *
 * @throws {TidegateError} `invalid_request` for limits that contradict each other.
 */
export function setLimits(queue: Queue, key: string, limits: FlowControlLimits): Promise<void> {
  return internalsOf(queue).changeFlow(key, { to: "set", limits: flowLimits(limits) });
}

/** The headers that limit deliveries. */
export const limitHeaders = ["upstash-flow-control-key", "upstash-flow-control-value", "upstash-queue-name"] as const;

const [KEY_HEADER, VALUE_HEADER, QUEUE_HEADER] = limitHeaders;

/** The headers without those that limit deliveries. */
export function withoutLimits(headers: Headers): Headers {
  const rest = new Headers(headers);
  for (const name of limitHeaders) rest.delete(name);
  return rest;
}

/**
 * Reads what limits the deliveries of a message.
 *
 * @param queue the queue that it is enqueued to. Default: as the headers say.
 * @returns undefined if nothing does.
 * @throws {TidegateError} `invalid_request`, and the message names the header.
 */
export function readLimits(headers: Headers, queue: string | undefined): Limited | undefined {
  const flowControlKey = headers.get(KEY_HEADER) ?? undefined;
  const value = headers.get(VALUE_HEADER) ?? undefined;
  const queueName = queue ?? headers.get(QUEUE_HEADER) ?? undefined;
  if (flowControlKey !== undefined && queueName !== undefined)
    throw invalidRequest(
      "A message has either a queue or Upstash-Flow-Control-Key: it waits in one line, and both would have to be kept at once.",
    );
  if (queueName !== undefined) {
    // The limits of a queue that was made are pinned. Any other delivers one message after the other.
    return { limits: { queueName }, flowControl: { key: queueKeyOf(queueName), ...queueLimits(1) } };
  }
  if (flowControlKey === undefined && value === undefined) return undefined;
  if (!flowControlKey || !value)
    throw invalidRequest("Upstash-Flow-Control-Key and Upstash-Flow-Control-Value must be given together.");
  const { parallelism, rate, periodMs } = readValue(value);
  const limits = {
    flowControlKey,
    ...(parallelism !== undefined && { parallelism }),
    ...(rate !== undefined && { rate, period: periodMs / 1_000 }),
  };
  return { limits, flowControl: keyLimits(flowControlKey, limits) };
}

/** What keeps the limits of a key. */
export function keyLimits(key: string, { parallelism, rate, period = 1 }: MessageLimits): FlowControlOptions {
  return {
    key: flowKeyOf(key),
    ...(parallelism !== undefined && { concurrency: parallelism }),
    ...(rate !== undefined && { rate, period: Math.round(period * 1_000) }),
  };
}

/** How long a period is if nothing says. */
const DEFAULT_PERIOD_MS = 1_000;

function readValue(text: string) {
  const wrong = () =>
    invalidRequest(
      'Upstash-Flow-Control-Value must be such as "parallelism=2, rate=10, period=1m", with one of the first two.',
    );
  const entries = text.split(",").map((part) => part.trim().split("="));
  const values = new Map(entries.map(([name = "", value = ""]) => [name.trim(), value.trim()]));
  const isUnknown = (name: string) => !["parallelism", "rate", "period"].includes(name);
  const isTwice = values.size < entries.length;
  if (isTwice || entries.some((entry) => entry.length !== 2) || [...values.keys()].some(isUnknown)) throw wrong();
  const [parallelism, rate] = ["parallelism", "rate"].map((name) => {
    const given = values.get(name);
    return given === undefined ? undefined : readLimit(given, wrong);
  });
  if (parallelism === undefined && rate === undefined) throw wrong();
  return { parallelism, rate, periodMs: readPeriod(values.get("period")) };
}

/** Reads a limit. @throws what `wrong` makes */
export function readLimit(text: string, wrong: () => Error): number {
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > HIGHEST_LIMIT) throw wrong();
  return Number(text);
}

/** Reads a period: "1m", or a number of seconds. Default: a second. @throws {TidegateError} `invalid_request` */
export function readPeriod(text: string | undefined): number {
  return text === undefined ? DEFAULT_PERIOD_MS : durationOrSeconds(text, "The period of flow control");
}
