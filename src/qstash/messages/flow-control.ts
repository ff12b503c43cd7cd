import { changeFlow } from "../../core/flow/flow-keys.ts";
import type { FlowControlLimits, FlowControlOptions } from "../../core/job/flow-control.ts";
import { flowLimits, HIGHEST_LIMIT, LONGEST_FLOW_KEY } from "../../core/job/flow-control.ts";
import { reserved } from "../../core/job/reserved.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { invalidRequest } from "../../core/shared/errors.ts";
import { checkPathText, withoutUndefined } from "../../core/shared/validate.ts";
import { checkName } from "../shared/documents.ts";
import { durationOrSeconds } from "../shared/durations.ts";

export interface MessageLimits {
  readonly flowControlKey?: string;
  readonly parallelism?: number;
  readonly rate?: number;
  /** In seconds. */
  readonly period?: number;
  readonly queueName?: string;
}

// These prefixes separate the keys of messages from those of other jobs. They are reserved, so nobody else sets limits.
const KEY_PREFIX = `${reserved.key}key:`;
const QUEUE_PREFIX = `${reserved.key}queue:`;

export function flowKeyOf(key: string): string {
  checkPathText(key, "The flow control key", LONGEST_FLOW_KEY - KEY_PREFIX.length);
  return KEY_PREFIX + key;
}

/** The key of messages for a flow control key; undefined for a key of other jobs. */
export function messageKeyOf(key: string): string | undefined {
  return key.startsWith(KEY_PREFIX) ? key.slice(KEY_PREFIX.length) : undefined;
}

export function queueKeyOf(name: string): string {
  checkName(name, "The name of a queue");
  return QUEUE_PREFIX + name;
}

/** The flow control for a parallelism. With 1, messages are delivered strictly in order. */
export function queueLimits(parallelism: number): FlowControlOptions {
  return parallelism === 1 ? { ordered: true } : { concurrency: parallelism };
}

export function setLimits(queue: Queue, key: string, limits: FlowControlLimits): Promise<unknown> {
  return changeFlow(internalsOf(queue), key, { to: "set", limits: flowLimits(limits) });
}

export const limitHeaders = ["upstash-flow-control-key", "upstash-flow-control-value", "upstash-queue-name"] as const;

/** Reads a message's limits. @param queue default: the header's. @throws {TidegateError} that names the header. */
export function readLimits(headers: Headers, queue: string | undefined): MessageLimits | undefined {
  const [flowControlKey, value, inHeader] = limitHeaders.map((name) => headers.get(name) ?? undefined);
  const queueName = queue ?? inHeader;
  if (queueName !== undefined && flowControlKey !== undefined)
    throw invalidRequest(
      "A message takes either a queue or Upstash-Flow-Control-Key, not both: it can wait in only one line.",
    );
  if (queueName !== undefined) return checked({ queueName });
  if (flowControlKey === undefined && value === undefined) return undefined;
  if (!flowControlKey || !value)
    throw invalidRequest("Upstash-Flow-Control-Key and Upstash-Flow-Control-Value must be given together.");
  return checked(withoutUndefined({ flowControlKey, ...readValue(value) }));
}

function checked(limits: MessageLimits): MessageLimits {
  flowControlOf(limits);
  return limits;
}

export function flowControlOf(limits: MessageLimits = {}): FlowControlOptions | undefined {
  const { queueName, flowControlKey, parallelism, rate, period = 1 } = limits;
  // Only applies to a queue without pinned limits, which delivers one message at a time.
  if (queueName !== undefined) return { key: queueKeyOf(queueName), ...queueLimits(1) };
  if (flowControlKey === undefined) return undefined;
  const ms = rate && Math.round(period * 1_000);
  return withoutUndefined({ key: flowKeyOf(flowControlKey), concurrency: parallelism, rate, period: ms });
}

const DEFAULT_PERIOD_MS = 1_000;

function readValue(text: string) {
  const wrong = () =>
    invalidRequest(
      'Upstash-Flow-Control-Value must have the form "parallelism=2, rate=10, period=1m", with parallelism, rate or both.',
    );
  const values = new Map<string, string>();
  for (const part of text.split(",")) {
    const [, name = "", value = ""] = /^\s*(parallelism|rate|period)\s*=\s*([^=]*?)\s*$/.exec(part) ?? [];
    if (name === "" || values.has(name)) throw wrong();
    values.set(name, value);
  }
  const [parallelism, rate] = ["parallelism", "rate"].map((name) => {
    const given = values.get(name);
    return given === undefined ? undefined : readLimit(given, wrong);
  });
  if (parallelism === undefined && rate === undefined) throw wrong();
  const periodMs = readPeriod(values.get("period"));
  return { parallelism, rate, period: rate && periodMs / 1_000 };
}

export function readLimit(text: string, wrong: () => Error): number {
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > HIGHEST_LIMIT) throw wrong();
  return Number(text);
}

/** Reads a period, "1m" or a number of seconds, in ms. Default: 1 s. @throws {TidegateError} `invalid_request` */
export function readPeriod(text: string | undefined): number {
  return text === undefined ? DEFAULT_PERIOD_MS : durationOrSeconds(text, "The period of flow control");
}
