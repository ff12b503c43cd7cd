import { invalidRequest } from "../../core/shared/errors.ts";

const unitMs: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1 },
  ...{ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 },
};

/** Reads "50s" or "1d2h30m" in ms. @param header the name for the message. @throws {TidegateError} `invalid_request` */
export function durationHeader(text: string, header: string): number {
  if (!/^(?:\d{1,9}[smhd])+$/.test(text))
    throw invalidRequest(`${header} must be a duration such as "50s" or "1d2h30m".`);
  return sumOf(text);
}

/** Like `durationHeader`, but also reads a number of seconds. @throws {TidegateError} `invalid_request` */
export function durationOrSeconds(text: string, header: string): number {
  return durationHeader(/^\d+$/.test(text) ? `${text}s` : text, header);
}

const goDuration = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h))+$/;

/** The headers in which a destination says when its limit ends. The first valid one counts. */
const resetHeaders = ["x-ratelimit-reset", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"] as const;

/**
 * How long a destination asks to wait, in ms. It may give seconds, a date, or "6m5s".
 *
 * @param most the longest wait. A longer `Retry-After` is cut to it. Other headers with a longer wait are ignored,
 *   since some servers give the time of the reset instead.
 */
export function retryAfterMs(headers: Headers, now: number, most: number): number | undefined {
  const asked = readWait(headers.get("retry-after")?.trim() ?? "", now);
  if (asked !== undefined) return Math.max(0, Math.min(most, Math.round(asked)));
  for (const name of resetHeaders) {
    const ms = readWait(headers.get(name)?.trim() ?? "", now);
    if (ms !== undefined && ms <= most) return Math.max(0, Math.round(ms));
  }
  return undefined;
}

function readWait(text: string, now: number): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1_000;
  if (goDuration.test(text)) return sumOf(text);
  const date = /^[A-Z][a-z]{2},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : date - now;
}

function sumOf(text: string): number {
  const parts = text.matchAll(/(\d+(?:\.\d+)?)([a-zµμ]+)/g);
  return [...parts].reduce((sum, [, amount, unit = ""]) => sum + Number(amount) * (unitMs[unit] ?? 0), 0);
}
