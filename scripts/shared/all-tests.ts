const VARIABLE = "TIDEGATE_ALL_TESTS";

/** What `npm test -- --all` sets for the tests. */
export const ofAllTests = { [VARIABLE]: "1" };

/** Whether `npm test -- --all` runs: also what `docs/guarantees.md` names as run less often. */
export const isForAll = process.env[VARIABLE] === "1";

/** How many random trials a test makes of `all`: a third without `--all`. Each run draws others. */
export const trials = (all: number): number => (isForAll ? all : Math.ceil(all / 3));
