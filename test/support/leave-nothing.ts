import fc from "fast-check";
import { afterAll, vi } from "vitest";
import { seed } from "../../scripts/shared/all-tests.ts";

// A test that is given up goes on beside those after it. So a property ends before its test is given up.
fc.configureGlobal({ seed, interruptAfterTimeLimit: 110_000, markInterruptAsFailure: true });

// The test files that one worker runs share its process: what a file replaces is restored at its end.
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});
