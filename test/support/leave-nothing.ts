import { afterAll, vi } from "vitest";

// The test files that one worker runs share its process: what a file replaces is restored at its end.
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});
