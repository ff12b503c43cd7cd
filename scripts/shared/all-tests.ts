const VARIABLE = "TIDEGATE_ALL_TESTS";

/** What `npm test -- --all` sets for the tests. */
export const ofAllTests = { [VARIABLE]: "1" };

/** Whether `npm test -- --all` runs: also what `docs/guarantees.md` names as run less often. */
export const isForAll = process.env[VARIABLE] === "1";
