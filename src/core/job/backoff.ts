import { type Duration, durationMs } from "../shared/duration.ts";
import { duration, optionsOf, type Schema, share, word } from "../shared/schema.ts";
import { withoutUndefined } from "../shared/validate.ts";

/** The wait before retry `retry` (1 is the first) of each type, without jitter and limit. */
const waits = {
  exponential: (base: number, retry: number) => base * 2 ** (retry - 1),
  fixed: (base: number) => base,
};
type BackoffType = keyof typeof waits;

/** How the wait before a retry grows. */
export interface BackoffRule {
  /** `exponential` waits base, 2 base, 4 base, ...; `fixed` always waits base. Default "exponential". */
  readonly type?: BackoffType | undefined;
  /** The wait before the first retry. Default "60s". */
  readonly base?: Duration | undefined;
  /** The longest wait. Default "24h". */
  readonly max?: Duration | undefined;
  /** Makes each wait longer or shorter by up to this share: 0.1 turns 60 s into 54 to 66 s. From 0 (default) to 1. */
  readonly jitter?: number | undefined;
}

/** A rule, or a function that gets the number of the retry (1, 2, ...) and the error, and returns the wait. */
export type Backoff = BackoffRule | ((retry: number, error: unknown) => Duration);

const defaults = { type: "exponential", base: "60s", max: "24h", jitter: 0 } as const;

export const backoffRule = optionsOf<BackoffRule>("backoff", {
  type: word(Object.keys(waits) as BackoffType[]),
  base: duration,
  max: duration,
  jitter: share,
});

/** A rule, or a function as code may give it: no function is stored. */
export const anyBackoff: Schema<Backoff> = {
  ...backoffRule,
  read: (value, name) => (typeof value === "function" ? (value as Backoff) : backoffRule.read(value, name)),
};

/** The wait in ms before retry `retry` (1 is the first): that of its type, spread by the jitter, up to `max`. */
export function backoffMs(backoff: Backoff | undefined, retry: number, error: unknown, random: () => number): number {
  if (typeof backoff === "function") return durationMs(backoff(retry, error), "the wait that backoff returned");
  const rule = { ...defaults, ...withoutUndefined(backoff ?? {}) };
  const base = durationMs(rule.base, "backoff.base");
  const max = durationMs(rule.max, "backoff.max");
  const wait = waits[rule.type](base, retry);
  const spread = rule.jitter === 0 ? 1 : 1 + rule.jitter * (2 * random() - 1);
  return Math.min(max, Math.round(Math.min(max, wait) * spread));
}
