import fc from "fast-check";
import { seed } from "../../scripts/shared/all-tests.ts";

// A test that is given up goes on beside those after it. So a property ends before its test is given up.
fc.configureGlobal({ seed, interruptAfterTimeLimit: 110_000, markInterruptAsFailure: true });
