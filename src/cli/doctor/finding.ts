export interface Finding {
  readonly check: string;
  /** The queue that was checked, if the target has several. */
  readonly queue?: string;
  /** `unknown` if the check could not be made, which is not an error. */
  readonly status: "ok" | "warn" | "fail" | "unknown";
  readonly message: string;
  readonly advice?: string | undefined;
}

export function findings(check: string) {
  const finding = (status: Finding["status"]) => (message: string, advice?: string) =>
    ({ check, status, message, advice }) as const;
  return { ok: finding("ok"), warn: finding("warn"), fail: finding("fail"), unknown: finding("unknown") };
}

const SKEW_WARN_MS = 5_000;
const SKEW_FAIL_MS = 60_000;

/** Compares another machine's clock with this one's, read before and after the request. */
export function clockFinding(theirs: number | undefined, before: number, after: number): Finding {
  const { ok, warn, fail, unknown } = findings("clock");
  if (theirs === undefined || Number.isNaN(theirs)) return unknown("The response does not say what time it is there.");
  // HTTP dates have whole seconds, and the answer was written at some time between the two.
  const skew = Math.max(0, before - theirs - 1_000, theirs - after);
  const advice = "Synchronize this machine's clock with NTP. Each machine that enqueues or drains uses its own clock.";
  const seconds = `The clocks differ by ${Math.round(skew / 1_000).toLocaleString("en-US")} s.`;
  if (skew >= SKEW_FAIL_MS) return fail(seconds, advice);
  return skew >= SKEW_WARN_MS ? warn(seconds, advice) : ok("This machine's clock agrees.");
}

export function isLocal(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}

export function encryptionFinding(url: string): Finding {
  const { ok, warn } = findings("encryption");
  if (new URL(url).protocol === "https:") return ok("The connection is encrypted.");
  if (isLocal(url)) return ok("The connection does not leave this machine.");
  return warn("The connection is not encrypted: others on the network can read the token.", "Use an https address.");
}
