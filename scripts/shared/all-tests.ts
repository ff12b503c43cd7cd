const VARIABLE = "TIDEGATE_ALL_TESTS";

/** What `npm test -- --all` sets for the tests. */
export const ofAllTests = { [VARIABLE]: "1" };

/** Whether `npm test -- --all` runs: also what `docs/internals/guarantees.md` names as run less often. */
export const isForAll = process.env[VARIABLE] === "1";

const SEED = "TIDEGATE_SEED";

/** Where chance begins in random tests: always at the same place, so that `npm test` has one result. */
export const seed = Number(process.env[SEED] ?? 1);
if (!Number.isSafeInteger(seed)) throw new Error(`${SEED} must be a whole number, not "${process.env[SEED]}".`);

/** What `npm test` sets for random tests with a seed. */
export const seededWith = (chosen: number) => ({ [SEED]: String(chosen) });

/** The seed that was given. Without one, `--all` draws it. */
export const seedFor = (isAll: boolean) =>
  isAll && process.env[SEED] === undefined ? Math.floor(Math.random() * 2 ** 31) : seed;

/** How many random trials a test makes of `all`: an eighth without `--all`. */
export const trials = (all: number): number => (isForAll ? all : Math.ceil(all / 8));
