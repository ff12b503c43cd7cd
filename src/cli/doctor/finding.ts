/** What one check found. */
export interface Finding {
  /** A stable word for what was checked. */
  readonly check: string;
  /** `unknown` where it could not be found out, which is no fault. */
  readonly status: "ok" | "warn" | "fail" | "unknown";
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** A check that knows its name, and finds things. */
export function findings(check: string) {
  const finding =
    (status: Finding["status"]) =>
    (message: string, advice?: string): Finding => ({
      check,
      status,
      message,
      ...(advice !== undefined && { advice }),
    });
  return { ok: finding("ok"), warn: finding("warn"), fail: finding("fail"), unknown: finding("unknown") };
}

const SKEW_WARN_MS = 5_000;
const SKEW_FAIL_MS = 60_000;

/** Compares the clock of what was asked with that of this machine, which read `before` and `after`. */
export function clockFinding(theirs: number | undefined, before: number, after: number): Finding {
  const { ok, warn, fail, unknown } = findings("clock");
  if (theirs === undefined || Number.isNaN(theirs)) return unknown("The response does not say what time it is there.");
  // HTTP tells whole seconds, and the answer was written at some time between the two.
  const skew = Math.max(0, before - theirs - 1_000, theirs - after);
  const advice =
    "Synchronize the clock of this machine with NTP. Each machine that enqueues or drains uses its own clock.";
  const seconds = `The clocks differ by ${Math.round(skew / 1_000).toLocaleString("en-US")} s.`;
  if (skew >= SKEW_FAIL_MS) return fail(seconds, advice);
  return skew >= SKEW_WARN_MS ? warn(seconds, advice) : ok("This machine's clock agrees.");
}

/** Whether an address is on this machine, where nobody listens in. */
export function isLocal(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}

export function encryptionFinding(url: string): Finding {
  const { ok, warn } = findings("encryption");
  if (new URL(url).protocol === "https:") return ok("The connection is encrypted.");
  if (isLocal(url)) return ok("The connection does not leave this machine.");
  return warn(
    "The connection is not encrypted: others on the network can read the token.",
    "Use an address with https.",
  );
}
